"""Reading a section of settings."""

import pytest

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Faulty
from keyturn.policy.reading import Reading, closest, days


def reading(tree):
    """Return a cursor over ``tree`` whose places are the paths themselves."""
    return Reading(tree=tree, where=lambda path: Origin("/".join(path)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90d", 90), ("12w", 84), ("0d", 0), ("90", None), ("d", None), ("-1d", None), ("1y", None)],
)
def test_days_are_read_from_days_and_weeks(text, expected):
    """Anything else is no span."""
    assert days(text) == expected


def test_the_nearest_word_is_offered_or_else_all_of_them():
    """A hint is there to be used."""
    assert closest("retyre", ["retire", "rotate"]) == "did you mean retire?"
    assert closest("zzz", ["b", "a"]) == "known here: a, b"
    assert closest("zzz", []) == ""


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (lambda one: one.text("k"), "x", 5),
        (lambda one: one.texts("k"), ["x"], ["x", 5]),
        (lambda one: one.texts("k"), [], "x"),
        (lambda one: one.choice("k", ("a", "b"), "a"), "b", "c"),
        (lambda one: one.flag("k", default=False), True, "true"),
        (lambda one: one.number("k", 1, 100), 100, 101),
        (lambda one: one.number("k", 1, 100), 0, True),
        (lambda one: one.number("k", 1, 100), 5, -1),
        (lambda one: one.span("k", 1), "5d", 5),
        (lambda one: one.section("k").tree, {"x": 1}, ["x"]),
    ],
)
def test_a_value_of_the_wrong_form_is_noted_at_its_place(read, good, bad):
    """And the default goes on in its stead, so that the rest is read too."""
    fine, wrong = reading({"k": good}), reading({"k": bad})
    read(fine)
    fine.finish()
    read(wrong)
    with pytest.raises(Faulty) as caught:
        wrong.finish()
    assert [(one.code, one.origin.file) for one in caught.value.findings] == [("KT304", "k")]


def test_faults_of_all_sections_come_together():
    """One run shows everything."""
    one = reading({"a": {"b": {"typo": 1}}, "c": 1}).only(("a",))
    for _, inner in one.section("a").sections(("known",)):
        inner.text("known")
    with pytest.raises(Faulty) as caught:
        one.finish()
    assert sorted((each.code, each.origin.file) for each in caught.value.findings) == [
        ("KT303", "a/b/typo"),
        ("KT303", "c"),
    ]
