"""Flat fields: there and back again, as pointers, and compared as the service reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.address import Address
from keyturn.model.fields import (
    flatten_tree,
    format_path,
    from_json_pointer,
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
def test_a_tree_comes_back(tree):
    """`nest` is the inverse of `flatten`."""
    assert nest_fields(flatten_tree(tree)) == tree


@given(TREES)
def test_order_is_kept(tree):
    """Leaves stand in the order in which they were written."""
    assert list(nest_fields(flatten_tree(tree))) == list(tree)


def test_flatten():
    """Mappings are walked; lists and empty mappings are leaves."""
    tree = {"config": {"host": "db", "tags": ["a", {"b": 1}], "options": {}, "ssl": {"on": True}}}
    assert flatten_tree(tree) == {
        ("config", "host"): "db",
        ("config", "tags"): ["a", {"b": 1}],
        ("config", "options"): {},
        ("config", "ssl", "on"): True,
    }


def test_flatten_below_a_prefix():
    """Paths begin with the prefix."""
    assert flatten_tree({"host": "db"}, ("config",)) == {("config", "host"): "db"}


def test_flatten_of_nothing():
    """Nothing has no fields."""
    assert flatten_tree({}) == {}
    assert nest_fields({}) == {}


@given(st.lists(st.text(), max_size=5).map(tuple))
def test_a_pointer_is_read_as_it_is_written(path):
    """What `pointer` writes, `unpointer` reads, whatever the keys."""
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
    """The escapes are those of the RFC, in its order."""
    assert to_json_pointer(path) == text
    assert from_json_pointer(text) == path


def test_dotted():
    """A reader sees a path with dots."""
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
def test_what_means_the_same(one, other):
    """A deployment that stores scalars as text has not changed them."""
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
def test_what_does_not(one, other):
    """Everything else is a difference, in either direction."""
    assert not values_equal(one, other)
    assert not values_equal(other, one)


@given(LEAVES)
def test_everything_is_the_same_as_itself(leaf):
    """A leaf never differs from itself."""
    assert values_equal(leaf, leaf)


@pytest.mark.parametrize("other", [True, 1.0, [1], "1", None])
def test_identical_is_more_than_equal(other):
    """What a service tells apart is not one, within a list either."""
    assert values_identical({("a",): 1}, {("a",): 1})
    assert not values_identical({("a",): 1}, {("a",): other})
    assert not values_identical({("a",): [1]}, {("a",): [other]})
    assert not values_identical({("a",): 1}, {})
