"""JSON in both layouts: the same values, ASCII, and no byte or word that acts on whoever shows it."""

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
def test_what_is_written_reads_back(write, value):
    """Neither layout changes a value, and neither holds what a terminal or a runner acts upon."""
    text = write(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert "##" not in text
    assert all(character == "\n" or character.isprintable() for character in text)


def test_each_item_has_a_line():
    """A list below a key gets one line per item, whatever is in it; everything else is one line."""
    text = dump_lines({"a": [{"x": 1}, {"x": [2, 3]}], "b": [], "c": {"d": 1}})
    assert text == '{\n"a": [\n{"x": 1},\n{"x": [2, 3]}\n],\n"b": [],\n"c": {"d": 1}\n}\n'


def test_a_finding_says_null_for_what_is_not_known():
    """A line of 0 stands for a whole file, and becomes null."""
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
