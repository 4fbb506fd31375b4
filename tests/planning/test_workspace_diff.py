"""Two environments side by side."""

import pytest

from keyturn.model.change import MISSING
from keyturn.model.fields import flatten_tree
from keyturn.planning.workspace_diff import FieldDifference, diff_resources
from making import connection, credential, wanted


def strip(name):
    """Take the prefix off."""
    return name.partition("-")[2] or name


def compared(left, right, equal=()):
    """Return the pairs by name."""
    return {each.base_name: each for each in diff_resources(left, right, (strip, strip), frozenset(equal))}


def test_names_without_their_prefix_are_one():
    """And what differs is told field by field, references by their names."""
    left = wanted(connection("staging-pg"), {"host": "a", "port": "5432"}, uses="staging-db")
    right = wanted(connection("prod-pg"), {"host": "b", "port": 5432, "ssl": True}, uses="prod-db")
    pair = compared([left], [right])["pg"]
    assert pair.differences == (
        FieldDifference(("config", "host"), "a", "b"),
        FieldDifference(("config", "ssl"), MISSING, True),
    )
    assert pair.has_differences


def test_what_is_alike_is_alike():
    """Another environment's label is no difference, another owner's is."""
    left = wanted(credential("staging-db"), labels={"environment": "staging", "owner": "a"})
    right = wanted(credential("prod-db"), labels={"environment": "prod", "owner": "a"})
    assert not compared([left], [right])["db"].has_differences
    other = wanted(credential("prod-db"), labels={"owner": "b"})
    assert compared([left], [other])["db"].differences == (FieldDifference(("labels", "owner"), "a", "b"),)


def test_what_one_side_has_alone():
    """On either side."""
    pairs = compared([wanted(credential("staging-a"))], [wanted(credential("prod-b"))])
    assert (pairs["a"].right, pairs["b"].left) == (None, None)
    assert pairs["a"].has_differences
    assert pairs["b"].has_differences


def test_a_name_that_would_stand_for_two_keeps_its_prefix():
    """Nothing is compared with the wrong one, or lost."""
    left = [wanted(credential("staging-db")), wanted(credential("dev-db"))]
    pairs = compared(left, [wanted(credential("prod-db"))])
    assert set(pairs) == {"staging-db", "dev-db", "db"}


def test_another_type_is_a_difference():
    """The first of all."""
    left, right = wanted(connection("staging-x")), wanted(connection("prod-x"), type="mysql")
    assert compared([left], [right])["x"].differences[0] == FieldDifference(("type",), "postgres", "mysql")


@pytest.mark.parametrize(
    ("ours", "theirs", "side"),
    [("password", "password", "both"), ("password", "", "left"), ("", "password", "right")],
)
def test_secret_fields_are_told_by_name(ours, theirs, side):
    """Which side has one; a value is in none of it."""
    left = wanted(credential("staging-db"), secrets=dict.fromkeys(filter(None, [ours]), "x"))
    right = wanted(credential("prod-db"), secrets=dict.fromkeys(filter(None, [theirs]), "y"))
    pair = compared([left], [right])["db"]
    assert pair.secrets == {("password",): side}
    assert pair.has_differences is (side != "both")


def test_the_same_secret_is_said():
    """It is no difference, and yet what such a comparison is for."""
    sides = [wanted(credential(name), secrets={"password": "x"}) for name in ("staging-db", "prod-db")]
    pair = compared(sides[:1], sides[1:], [(sides[0].address, ("password",))])["db"]
    assert pair.shared_secrets == (("password",),)
    assert not pair.has_differences


def test_lists_are_compared_by_element():
    """A list is one field."""
    left, right = wanted(connection("staging-x"), {"a": [1]}), wanted(connection("prod-x"), {"a": ["1"]})
    assert flatten_tree({"config": {"a": [1]}}) == left.fields
    assert not compared([left], [right])["x"].has_differences
