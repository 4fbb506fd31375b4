"""Decoding of source files."""

import pytest

from keyturn.files.text import MAX_FILE_BYTES, decode_source
from keyturn.model.diagnostic import DiagnosticError


def _finding(data):
    with pytest.raises(DiagnosticError) as caught:
        decode_source(data, "m.yaml")
    (finding,) = caught.value.diagnostics
    return finding.code, str(finding.origin)


def test_decodes_utf_8_with_and_without_a_byte_order_mark():
    """The byte order mark is removed; line endings are kept."""
    assert decode_source("\ufeffa: é\r\n日本: 😀\n".encode(), "m.yaml") == "a: é\r\n日本: 😀\n"


@pytest.mark.parametrize(
    ("data", "code", "origin"),
    [
        (b"a: 1\nb: \xff\n", "KT101", "m.yaml:2:4"),
        ("a: 1\n".encode("utf-16"), "KT101", "m.yaml:1:1"),
        (b"a: 1\nb: x\x00y\n", "KT102", "m.yaml:2:5"),
        (b"a: \x1b[31m\n", "KT102", "m.yaml:1:4"),
        (b"a: \x7f\n", "KT102", "m.yaml:1:4"),
        ("a: \x85\n".encode(), "KT102", "m.yaml:1:4"),
        ("é: \u2028\n".encode(), "KT102", "m.yaml:1:4"),
        ("a: \u202eevil\n".encode(), "KT102", "m.yaml:1:4"),
        ("a: \u2066x\n".encode(), "KT102", "m.yaml:1:4"),
        ("a: \ufeff\n".encode(), "KT102", "m.yaml:1:4"),
        ("a: \uffff\n".encode(), "KT102", "m.yaml:1:4"),
        (b"a: 1\rb: 2\n", "KT102", "m.yaml:1:5"),
        (b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", "KT103", "m.yaml:2:1"),
        (b"a: 1\n>>>>>>> other\n", "KT103", "m.yaml:2:1"),
    ],
)
def test_rejects_invalid_text(data, code, origin):
    """Wrong encodings, invisible characters and conflict markers are reported with their location."""
    assert _finding(data) == (code, origin)


def test_explains_how_to_finish_a_merge():
    """The hint recommends to take one side, because a mix of both fails the MAC."""
    with pytest.raises(DiagnosticError) as caught:
        decode_source(b"<<<<<<< HEAD\n", "m.yaml")
    assert "git checkout --ours" in caught.value.diagnostics[0].hint


def test_a_conflict_marker_must_be_a_whole_line():
    """The same characters inside a value are accepted."""
    assert decode_source(b"a: '<<<<<<< x'\n", "m.yaml")
    assert decode_source(b"a: |\n  ======= \n  <<<<<<<< eight\n", "m.yaml")


def test_rejects_more_than_a_mebibyte():
    """The size is checked before the content."""
    assert _finding(b"\xff" * (MAX_FILE_BYTES * 10)) == ("KT104", "m.yaml")
    assert len(decode_source(b"#" * MAX_FILE_BYTES, "m.yaml")) == MAX_FILE_BYTES
