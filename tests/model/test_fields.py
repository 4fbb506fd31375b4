"""Flat fields: conversion, JSON pointers and comparison."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.address import Address
from keyturn.model.fields import (
    UnorderedList,
    flatten_tree,
    format_path,
    from_json_pointer,
    has_any_text,
    is_any_text,
    nest_fields,
    to_json_pointer,
    values_equal,
    values_identical,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
LEAVES = SCALARS | st.lists(SCALARS, max_size=3) | st.just(Address("credential", "a"))
TREES = st.recursive(
    st.dictionaries(st.text(), LEAVES, min_size=1, max_size=4),
    lambda trees: st.dictionaries(st.text(), LEAVES | trees, min_size=1, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_nest_is_the_inverse_of_flatten(tree):
    """A nested mapping survives the round trip."""
    assert nest_fields(flatten_tree(tree)) == tree


@given(TREES)
def test_order_is_kept(tree):
    """Leaves keep the document order."""
    assert list(nest_fields(flatten_tree(tree))) == list(tree)


def test_flatten():
    """Mappings are traversed; lists and empty mappings are leaves."""
    tree = {"config": {"host": "db", "tags": ["a", {"b": 1}], "options": {}, "ssl": {"on": True}}}
    assert flatten_tree(tree) == {
        ("config", "host"): "db",
        ("config", "tags"): ["a", {"b": 1}],
        ("config", "options"): {},
        ("config", "ssl", "on"): True,
    }


def test_flatten_below_a_prefix():
    """Paths start with the prefix."""
    assert flatten_tree({"host": "db"}, ("config",)) == {("config", "host"): "db"}


def test_empty_mapping():
    """An empty mapping has no fields."""
    assert flatten_tree({}) == {}
    assert nest_fields({}) == {}


@given(st.lists(st.text(), max_size=5).map(tuple))
def test_pointer_round_trip(path):
    """Pointers support all keys."""
    assert from_json_pointer(to_json_pointer(path)) == path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("config", "host"), "/config/host"),
        (("a/b", "m~n"), "/a~1b/m~0n"),
        (("~1",), "/~01"),
        (("",), "/"),
    ],
)
def test_pointers_are_those_of_rfc_6901(path, text):
    """The escapes follow the RFC."""
    assert to_json_pointer(path) == text
    assert from_json_pointer(text) == path


def test_format_path():
    """A path is displayed with dots."""
    assert format_path(("config", "host")) == "config.host"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (5432, "5432"),
        (True, "true"),
        (False, "false"),
        (1.0, 1),
        (1.0, "1"),
        (1.5, "1.5"),
        (["a", 1], ["a", "1"]),
        ({"a": 1}, {"a": "1"}),
        ({"a": [True]}, {"a": ["true"]}),
        (None, None),
        (Address("credential", "a"), Address("credential", "a")),
        ("", ""),
    ],
)
def test_equal_values(one, other):
    """A deployment may store scalars as text."""
    assert values_equal(one, other)
    assert values_equal(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (5432, 5433),
        ("a", "A"),
        ("", None),
        (0, None),
        (False, None),
        (True, 1),
        (True, "True"),
        ("01", 1),
        ([], {}),
        ([], None),
        (["a", "b"], ["b", "a"]),
        (["a"], ["a", "a"]),
        (["a"], "a"),
        ({"a": 1}, {"a": 1, "b": None}),
        ({"a": 1}, {"b": 1}),
        (Address("credential", "a"), "credential/a"),
        ("x", Address("credential", "x")),
    ],
)
def test_different_values(one, other):
    """All other values differ, in both directions."""
    assert not values_equal(one, other)
    assert not values_equal(other, one)


@given(LEAVES)
def test_every_value_equals_itself(leaf):
    """Equality is reflexive."""
    assert values_equal(leaf, leaf)


@pytest.mark.parametrize("other", [True, 1.0, [1], "1", None])
def test_identical_fields_have_equal_types(other):
    """Values of different types are not identical, even inside a list."""
    assert values_identical({("a",): 1}, {("a",): 1})
    assert not values_identical({("a",): 1}, {("a",): other})
    assert not values_identical({("a",): [1]}, {("a",): [other]})
    assert not values_identical({("a",): 1}, {})


@given(TREES)
def test_only_text_is_compared_with_ids(tree):
    """Values of every shape are accepted; lists and mappings are never an ID."""
    fields = flatten_tree(tree)
    assert has_any_text(fields, {"id-1"}) == any(leaf == "id-1" for leaf in fields.values())
    assert has_any_text({**fields, ("config", "user"): "id-1"}, {"id-1"})
    assert not is_any_text(["id-1"], {"id-1"})


ITEMS = st.lists(st.text(max_size=3) | st.integers() | st.booleans() | TREES, max_size=5)


@given(ITEMS, st.randoms())
def test_an_unordered_list_has_no_order(items, random):
    """It equals each permutation, on both sides, and is always in the same order itself."""
    other = random.sample(items, len(items))
    for left, right in ((UnorderedList(items), other), (items, UnorderedList(other))):
        assert left == right
        assert values_equal(left, right)
        assert (left != right) is False
    assert repr(UnorderedList(items)) == repr(UnorderedList(other))


@given(ITEMS.filter(len), st.data())
def test_an_unordered_list_counts_its_items(items, data):
    """One item more, less or repeated is a difference."""
    position = data.draw(st.integers(0, len(items) - 1))
    for other in (
        items[:position] + items[position + 1 :],
        [*items, items[position]],
        [*items, "a new item"],
    ):
        assert UnorderedList(items) != other
        assert not values_equal(other, UnorderedList(items))
    assert UnorderedList(items) != tuple(items)


def test_an_unordered_list_is_a_list_for_outputs():
    """JSON shows it as a list; numbers may be text as in other fields."""
    assert msgspec.json.encode(UnorderedList(["b", "a"])) == b'["a","b"]'
    assert values_equal(UnorderedList([2, "a"]), ["a", "2"])
    assert not values_equal(UnorderedList(["a"]), "a")
