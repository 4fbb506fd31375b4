"""Sections of the project file."""

import pytest

from encrypting import document
from keyturn.model.config_reader import ConfigSection
from keyturn.model.diagnostic import DiagnosticError


def section(text):
    """Return a text as the project file."""
    return ConfigSection(document(text, "keyturn.yaml"))


def noted(section):
    """Return what was noted so far."""
    return [(finding.code, str(finding.origin), finding.message) for finding in section.errors]


def test_reads_what_is_there():
    """Text, choices, numbers and paths of a section within a section."""
    inner = section('a: {t: x, k: full, "n": 2.5, p: m/x, ps: [./a/, b]}\n').read_section("a")
    assert inner.read_text("t") == "x"
    assert inner.read_choice("k", ("full", "partial"), "partial") == "full"
    assert inner.read_choice("absent", ("full", "partial"), "partial") == "partial"
    assert inner.read_number("n", 0.0) == 2.5
    assert inner.read_path("p", "d") == "m/x"
    assert inner.read_path("absent", "d") == "d"
    assert inner.read_paths("ps") == ("a", "b")
    assert inner.read_checked_text("t", lambda _: "") == "x"
    assert noted(inner) == []
    inner.raise_errors()


def test_notes_every_fault_in_one_list():
    """All sections of a file share it, and the end raises it."""
    whole = section('a: {t: 1, c: x, "n": -1, p: /x, ps: [../y], z: 1}\nb: 5\n')
    inner = whole.read_section("a")
    inner.read_text("t")
    inner.read_text("missing")
    inner.read_choice("c", ("full", "partial"), "full")
    inner.read_number("n", 0.0)
    inner.read_path("p", "d")
    inner.read_paths("ps")
    inner.reject_unknown_keys("t", "c", "n", "p", "ps")
    whole.read_section("b")
    codes = [code for code, *_ in noted(whole)]
    assert codes == ["KT003"] * 6 + ["KT002", "KT003"]
    with pytest.raises(DiagnosticError) as caught:
        whole.raise_errors()
    assert len(caught.value.diagnostics) == 8


@pytest.mark.parametrize("value", ["x", "[]", "5", "[5]", "{a: 1}", "['']"])
def test_a_list_of_folders_is_just_that(value):
    """Anything else is one fault at the value."""
    inner = section(f"ps: {value}\n")
    assert inner.read_paths("ps") == ()
    assert noted(inner) == [("KT003", "keyturn.yaml:1:5", "ps must be a list of folders")]


def test_a_misspelt_key_is_shown_at_the_key_with_the_nearest_one():
    """The hint names what was probably meant."""
    inner = section("organisation: x\n")
    inner.reject_unknown_keys("organization", "state")
    assert noted(inner) == [("KT002", "keyturn.yaml:1:1", "organisation is not a setting")]
    assert inner.errors[0].hint == "did you mean organization?"


def test_names_are_small_letters():
    """A workspace's name stands in paths and digests."""
    inner = section("Prod: {}\nprod-1: {}\n")
    assert [inner.check_workspace_name(key) for key in inner.tree] == [False, True]


def test_a_refused_value_is_not_quoted():
    """Why it is refused is said, not what it is."""
    inner = section("u: https://user:hunter2@x\n")
    inner.read_checked_text("u", lambda _: "a password has no place in it")
    assert noted(inner) == [("KT004", "keyturn.yaml:1:4", "u is refused: a password has no place in it")]
