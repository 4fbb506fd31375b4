"""Addresses and origins: how they are written, read and ordered."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.address import Address, SourceLocation

WORDS = st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True)


@given(WORDS, WORDS)
def test_an_address_is_read_as_it_is_written(kind, name):
    """What `str` writes, `parse` reads."""
    assert Address.parse(str(Address(kind, name))) == Address(kind, name)


def test_a_name_may_hold_a_slash():
    """Only the first slash parts kind and name."""
    assert Address.parse("credential/a/b") == Address("credential", "a/b")


@pytest.mark.parametrize("text", ["", "credential", "/name", "credential/", "/"])
def test_anything_else_is_refused(text):
    """An address without a kind or a name is none."""
    with pytest.raises(ValueError, match="kind/name"):
        Address.parse(text)


def test_addresses_are_keys():
    """Equal addresses are one key, and they sort by kind, then by name."""
    assert {Address("a", "b"): 1}[Address("a", "b")] == 1
    ordered = [Address("connection", "z"), Address("credential", "a"), Address("credential", "b")]
    assert all(sorted(order) == ordered for order in permutations(ordered))


def test_an_address_does_not_change():
    """An address is frozen."""
    with pytest.raises(AttributeError, match="immutable"):
        Address("a", "b").name = "c"


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (SourceLocation("a.yaml"), "a.yaml"),
        (SourceLocation("a.yaml", 3), "a.yaml:3"),
        (SourceLocation("a.yaml", 3, 7), "a.yaml:3:7"),
        (SourceLocation(""), ""),
    ],
)
def test_an_origin_is_written_as_editors_read_it(origin, text):
    """A place is file, line and column, as far as they are known."""
    assert str(origin) == text


def test_origins_sort_by_place():
    """Places sort by file, then line, then column, as numbers."""
    ordered = [
        SourceLocation("a"),
        SourceLocation("a", 2, 9),
        SourceLocation("a", 2, 10),
        SourceLocation("a", 10),
        SourceLocation("b"),
    ]
    assert all(sorted(order) == ordered for order in permutations(ordered))
