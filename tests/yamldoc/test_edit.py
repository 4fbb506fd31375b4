"""Edits of single values."""

import pytest

from keyturn.yamldoc.edit import remove_keys, set_values
from sops_files import parse_text

_TEXT = """\
# head
name: a   # keep me
config:
    host: "old"   # and me
    port: 5432
    inner: {x: 1}
    cert: |
        one
        two
secrets:
  password: ENC[a]
list: [1, 2]
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_replaces_only_tokens(end):
    """Comments, quotes, layout and Windows line endings are kept."""
    text = _TEXT.replace("\n", end)
    tokens = {
        ("name",): "b",
        ("config", "host"): "new",
        ("config", "port"): "1",
        ("config", "inner", "x"): "22",
        ("list", "0"): "3",
    }
    wanted = text
    for old, new in (
        ("name: a ", "name: b "),
        ('"old"', "new"),
        ("5432", "1"),
        ("{x: 1}", "{x: 22}"),
        ("[1, 2]", "[3, 2]"),
    ):
        wanted = wanted.replace(old, new)
    assert set_values(parse_text(text), tokens) == wanted


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_adds_a_key_at_the_end_of_its_mapping(end):
    """The new line follows the last line of the mapping with the same indentation."""
    text = _TEXT.replace("\n", end)
    changed = set_values(parse_text(text), {("secrets", "token"): "ENC[b]", ("secrets", "no"): "ENC[c]"})
    assert changed == text.replace(f"ENC[a]{end}", f'ENC[a]{end}  token: ENC[b]{end}  "no": ENC[c]{end}')
    assert parse_text(changed).tree["secrets"] == {"password": "ENC[a]", "token": "ENC[b]", "no": "ENC[c]"}


def test_adds_a_key_at_the_top_level():
    """The document itself is a mapping."""
    changed = set_values(parse_text("a: 1\nb:\n  c: 2\n"), {("d",): "3"})
    assert parse_text(changed).tree == {"a": 1, "b": {"c": 2}, "d": 3}


@pytest.mark.parametrize(
    "path",
    [("config", "inner", "y"), ("nowhere", "x"), ("name", "x"), ("list", "2"), ("config", "inner", "x", "y")],
)
def test_returns_none_without_a_block_mapping(path):
    """A flow mapping and a missing mapping have no line for a new key."""
    assert set_values(parse_text(_TEXT), {path: "1"}) is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_removes_a_key_and_keeps_its_comment(end):
    """The comment is kept on its own line."""
    text = _TEXT.replace("\n", end)
    wanted = text.replace('    host: "old"   # and me', "    # and me").replace(f"    port: 5432{end}", "")
    assert remove_keys(parse_text(text), [("config", "host"), ("config", "port")]) == wanted


def test_removes_a_mapping_with_its_fields():
    """All lines of its fields are removed."""
    text = "config:\n  one: 1\n  inner:\n    a: b\n    c: d\n  two: 2\n"
    assert remove_keys(parse_text(text), [("config", "inner")]) == "config:\n  one: 1\n  two: 2\n"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("config: {a: 1, b: 2}\n", ("config", "b")),
        ("config:\n  inner:\n    # whose comment is this?\n    a: 1\n  b: 2\n", ("config", "inner")),
        ("list:\n- a: 1\n  b: 2\n", ("list", "0")),
        ("config:\n  a: {b: 1}\n", ("config", "a", "b")),
    ],
)
def test_does_not_remove_a_key_on_a_shared_line(text, path):
    """The caller asks the user to edit the file."""
    assert remove_keys(parse_text(text), [path]) is None
