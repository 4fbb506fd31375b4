"""JSON in both layouts: the same values, ASCII, no terminal escapes and CI runner commands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.views.json_output import diagnostic_to_json, dump_lines, dump_pretty

LEAVES = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9)


@pytest.mark.parametrize("write", [dump_pretty, dump_lines])
@given(st.dictionaries(st.text(), VALUES))
def test_values_are_read_back_unchanged(write, value):
    """In both layouts, without terminal escapes and runner commands."""
    text = write(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert "##" not in text
    assert all(character == "\n" or character.isprintable() for character in text)


def test_each_item_has_a_line():
    """Each item of a list below a key, and each other key."""
    text = dump_lines({"a": [{"x": 1}, {"x": [2, 3]}], "b": [], "c": {"d": 1}})
    assert text == '{\n"a": [\n{"x": 1},\n{"x": [2, 3]}\n],\n"b": [],\n"c": {"d": 1}\n}\n'


def test_an_unknown_line_is_null():
    """Line 0 means the file as a unit."""
    finding = Diagnostic(
        code="KT101",
        severity=Severity.ERROR,
        message="m",
        origin=SourceLocation("f.yaml", 3),
        hint="h",
        address=Address("credential", "x"),
    )
    assert diagnostic_to_json(finding) == {
        "code": "KT101",
        "severity": "error",
        "message": "m",
        "hint": "h",
        "file": "f.yaml",
        "line": 3,
        "column": None,
        "address": "credential/x",
    }
