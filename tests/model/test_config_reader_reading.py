"""Reading a section of settings."""

import pytest

from keyturn.model.address import SourceLocation
from keyturn.model.config_reader import PolicySection, parse_days, suggest_nearest
from keyturn.model.diagnostic import DiagnosticError


def reading(tree):
    """Return a cursor over ``tree`` whose places are the paths themselves."""
    return PolicySection(tree=tree, find_location=lambda path: SourceLocation("/".join(path)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90d", 90), ("12w", 84), ("0d", 0), ("90", None), ("d", None), ("-1d", None), ("1y", None)],
)
def test_days_are_read_from_days_and_weeks(text, expected):
    """Anything else is no span."""
    assert parse_days(text) == expected


def test_the_nearest_word_is_offered_or_else_all_of_them():
    """A hint is there to be used."""
    assert suggest_nearest("retyre", ["retire", "rotate"]) == "did you mean retire?"
    assert suggest_nearest("zzz", ["b", "a"]) == "known here: a, b"
    assert suggest_nearest("zzz", []) == ""


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (lambda one: one.read_text("k"), "x", 5),
        (lambda one: one.read_texts("k"), ["x"], ["x", 5]),
        (lambda one: one.read_texts("k"), [], "x"),
        (lambda one: one.read_choice("k", ("a", "b"), "a"), "b", "c"),
        (lambda one: one.read_flag("k", default=False), True, "true"),
        (lambda one: one.read_number("k", 1, 100), 100, 101),
        (lambda one: one.read_number("k", 1, 100), 0, True),
        (lambda one: one.read_number("k", 1, 100), 5, -1),
        (lambda one: one.read_days("k", 1), "5d", 5),
        (lambda one: one.read_section("k").tree, {"x": 1}, ["x"]),
    ],
)
def test_a_value_of_the_wrong_form_is_noted_at_its_place(read, good, bad):
    """And the default goes on in its stead, so that the rest is read too."""
    fine, wrong = reading({"k": good}), reading({"k": bad})
    read(fine)
    fine.raise_errors()
    read(wrong)
    with pytest.raises(DiagnosticError) as caught:
        wrong.raise_errors()
    assert [(one.code, one.origin.file) for one in caught.value.diagnostics] == [("KT304", "k")]


def test_faults_of_all_sections_come_together():
    """One run shows everything."""
    one = reading({"a": {"b": {"typo": 1}}, "c": 1}).reject_unknown_keys(("a",))
    for _, inner in one.read_section("a").read_sections(("known",)):
        inner.read_text("known")
    with pytest.raises(DiagnosticError) as caught:
        one.raise_errors()
    assert sorted((each.code, each.origin.file) for each in caught.value.diagnostics) == [
        ("KT303", "a/b/typo"),
        ("KT303", "c"),
    ]
