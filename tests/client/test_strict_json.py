"""Strict parsing of JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.strict_json import MAX_JSON_DEPTH, ResponseFormatError, parse_strict_json

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda branch: st.lists(branch, max_size=4) | st.dictionaries(st.text(), branch, max_size=4),
    max_leaves=20,
)


@given(TREES)
def test_valid_json_is_parsed(tree):
    """Every JSON value is unchanged after a round trip."""
    assert parse_strict_json(json.dumps(tree, ensure_ascii=False).encode("utf-8", "replace")) is not _MISSING
    if _encodable(tree):
        assert parse_strict_json(json.dumps(tree).encode()) == tree


_MISSING = object()


def _encodable(tree):
    try:
        json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,]",
        b"<html>login</html>",
        b'{"a": 1} x',
        b'{"a": 1, "a": 2}',
        b'[{"b": {"a": 1, "a": 1}}]',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'"\xff\xfe"',
        b'"\x00"',
        '"€"'.encode("utf-16"),
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b"[" * (MAX_JSON_DEPTH + 1) + b"]" * (MAX_JSON_DEPTH + 1),
        b"[" + b"{}," * 1_000_001 + b"{}]",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_ambiguous_json_is_an_error(body):
    """The message has no text of the body."""
    with pytest.raises(ResponseFormatError) as caught:
        parse_strict_json(body)
    assert len(str(caught.value)) < 60
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        (b" 1.50 ", 1.5),
        (b"12345678901234567890", 12345678901234567890),
        (b"\xef\xbb\xbf[]", []),
        (b'"\\ud83d\\udd11"', "\U0001f511"),
        (b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH, None),
    ],
)
def test_unusual_json_is_parsed(body, tree):
    """Long integers, a byte order mark, surrogate pairs and 64 levels."""
    found = parse_strict_json(body)
    assert tree is None or (found == tree and type(found) is type(tree))
