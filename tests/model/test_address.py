"""Addresses and source locations: format, parsing and order."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.address import Address, SourceLocation

WORDS = st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True)


@given(WORDS, WORDS)
def test_parse_is_the_inverse_of_str(kind, name):
    """`parse` reads what `str` writes."""
    assert Address.parse(str(Address(kind, name))) == Address(kind, name)


def test_a_name_may_contain_a_slash():
    """Only the first slash separates kind and name."""
    assert Address.parse("credential/a/b") == Address("credential", "a/b")


@pytest.mark.parametrize("text", ["", "credential", "/name", "credential/", "/"])
def test_text_without_kind_or_name_is_rejected(text):
    """An address needs a kind and a name."""
    with pytest.raises(ValueError, match="kind/name"):
        Address.parse(text)


def test_addresses_are_keys_and_sort_by_kind_and_name():
    """Equal addresses are the same key, and they sort by kind, then by name."""
    assert {Address("a", "b"): 1}[Address("a", "b")] == 1
    ordered = [Address("connection", "z"), Address("credential", "a"), Address("credential", "b")]
    assert all(sorted(order) == ordered for order in permutations(ordered))


def test_an_address_is_immutable():
    """Assigning a field raises."""
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
def test_location_format(origin, text):
    """A location is file, line and column, as far as they are known."""
    assert str(origin) == text


def test_locations_sort_by_position():
    """Locations sort by file, then line, then column, as numbers."""
    ordered = [
        SourceLocation("a"),
        SourceLocation("a", 2, 9),
        SourceLocation("a", 2, 10),
        SourceLocation("a", 10),
        SourceLocation("b"),
    ]
    assert all(sorted(order) == ordered for order in permutations(ordered))
