"""Sections of keyturn.yaml."""

import pytest

from keyturn.model.address import SourceLocation
from keyturn.model.config_reader import ConfigSection, parse_days
from keyturn.model.diagnostic import DiagnosticError


def section(tree):
    """Return a section whose locations are the paths themselves."""
    return ConfigSection(tree=tree, locate=lambda path: SourceLocation("/".join(path)))


def errors(read):
    """Return code, location and message of each error so far."""
    return [(error.code, str(error.origin), error.message) for error in read.errors]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90d", 90), ("12w", 84), ("0d", 0), ("90", None), ("d", None), ("-1d", None), ("1y", None)],
)
def test_a_period_has_days_or_weeks(text, expected):
    """Anything else is no period."""
    assert parse_days(text) == expected


@pytest.mark.parametrize(
    ("read", "value", "expected", "default"),
    [
        (lambda inner: inner.read_text("k", "d"), "x", "x", "d"),
        (lambda inner: inner.read_texts("k"), ["x", "y"], ("x", "y"), ()),
        (lambda inner: inner.read_flag("k", default=True), False, False, True),
        (lambda inner: inner.read_number("k", 1.0), 2.5, 2.5, 1.0),
        (lambda inner: inner.read_integer("k", 7), 100, 100, 7),
        (lambda inner: inner.read_days("k", 3), "2w", 14, 3),
        (lambda inner: inner.read_path("k", "d"), "m/x", "m/x", "d"),
        (lambda inner: inner.read_paths("k"), ["./a/", "b"], ("a", "b"), ()),
        (lambda inner: inner.read_checked_text("k", lambda _: "", "d"), "x", "x", "d"),
        (lambda inner: inner.read_section("k").tree, {"x": 1}, {"x": 1}, {}),
    ],
)
def test_a_value_of_another_type_reads_as_the_default(read, value, expected, default):
    """The schema reports the type; the rest of the file is read on."""
    inner = section({"k": value})
    assert read(inner) == expected
    for tree in ({}, {"k": None}, {"k": object()}):
        other = section(tree)
        assert read(other) == default
        assert other.errors == []
    inner.raise_errors()


def test_the_sections_of_a_file_share_their_errors():
    """Each error has the location of its value, and the end raises all of them."""
    whole = section({"a": {"p": "/x", "ps": ["../y", "ok"], "days": "soon"}, "b": {"u": "u:p"}})
    for name, inner in whole.read_sections():
        inner.read_path("p", "d")
        inner.read_paths("ps")
        inner.read_days("days", 1)
        inner.read_checked_text("u", lambda _: "it is wrong")
        assert inner.find_location() == SourceLocation(name)
    assert errors(whole) == [
        ("KT003", "a/p", "a.p leads out of the project"),
        ("KT003", "a/ps", "a.ps leads out of the project"),
        ("KT003", "a/days", "a.days must be a number of days or weeks"),
        ("KT004", "b/u", "b.u is refused: it is wrong"),
    ]
    with pytest.raises(DiagnosticError) as caught:
        whole.raise_errors()
    assert len(caught.value.diagnostics) == 4
