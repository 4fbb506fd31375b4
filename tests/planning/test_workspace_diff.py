"""Comparison of two workspaces."""

import pytest

from keyturn.model.change import MISSING
from keyturn.model.fields import flatten_tree
from keyturn.planning.workspace_diff import FieldDifference, diff_resources
from sample_resources import connection_address, credential_address, make_desired


def strip(name):
    """Remove the prefix."""
    return name.partition("-")[2] or name


def compared(left, right, equal=()):
    """Return the differences by name."""
    return {each.base_name: each for each in diff_resources(left, right, (strip, strip), frozenset(equal))}


def test_resources_match_without_their_prefix():
    """Fields are compared one by one, references by name."""
    left = make_desired(connection_address("staging-pg"), {"host": "a", "port": "5432"}, uses="staging-db")
    right = make_desired(
        connection_address("prod-pg"), {"host": "b", "port": 5432, "ssl": True}, uses="prod-db"
    )
    pair = compared([left], [right])["pg"]
    assert pair.differences == (
        FieldDifference(("config", "host"), "a", "b"),
        FieldDifference(("config", "ssl"), MISSING, True),
    )
    assert pair.has_differences


def test_equal_resources():
    """A different environment label is no difference; a different owner is."""
    left = make_desired(credential_address("staging-db"), labels={"environment": "staging", "owner": "a"})
    right = make_desired(credential_address("prod-db"), labels={"environment": "prod", "owner": "a"})
    assert not compared([left], [right])["db"].has_differences
    other = make_desired(credential_address("prod-db"), labels={"owner": "b"})
    assert compared([left], [other])["db"].differences == (FieldDifference(("labels", "owner"), "a", "b"),)


def test_a_resource_on_one_side():
    """On either side."""
    pairs = compared(
        [make_desired(credential_address("staging-a"))], [make_desired(credential_address("prod-b"))]
    )
    assert (pairs["a"].right, pairs["b"].left) == (None, None)
    assert pairs["a"].has_differences
    assert pairs["b"].has_differences


def test_an_ambiguous_name_keeps_its_prefix():
    """No resource is lost or compared with the wrong one."""
    left = [make_desired(credential_address("staging-db")), make_desired(credential_address("dev-db"))]
    pairs = compared(left, [make_desired(credential_address("prod-db"))])
    assert set(pairs) == {"staging-db", "dev-db", "db"}


def test_another_type_is_a_difference():
    """The type comes first."""
    left, right = (
        make_desired(connection_address("staging-x")),
        make_desired(connection_address("prod-x"), type="mysql"),
    )
    assert compared([left], [right])["x"].differences[0] == FieldDifference(("type",), "postgres", "mysql")


@pytest.mark.parametrize(
    ("ours", "theirs", "side"),
    [("password", "password", "both"), ("password", "", "left"), ("", "password", "right")],
)
def test_secret_fields_by_side(ours, theirs, side):
    """The result has names and sides, but no value."""
    left = make_desired(credential_address("staging-db"), secrets=dict.fromkeys(filter(None, [ours]), "x"))
    right = make_desired(credential_address("prod-db"), secrets=dict.fromkeys(filter(None, [theirs]), "y"))
    pair = compared([left], [right])["db"]
    assert pair.secrets == {("password",): side}
    assert pair.has_differences is (side != "both")


def test_a_shared_secret_is_reported():
    """A shared secret is reported, but is no difference."""
    sides = [
        make_desired(credential_address(name), secrets={"password": "x"})
        for name in ("staging-db", "prod-db")
    ]
    pair = compared(sides[:1], sides[1:], [(sides[0].address, ("password",))])["db"]
    assert pair.shared_secrets == (("password",),)
    assert not pair.has_differences


def test_lists_are_compared_by_element():
    """A list is one field."""
    left, right = (
        make_desired(connection_address("staging-x"), {"a": [1]}),
        make_desired(connection_address("prod-x"), {"a": ["1"]}),
    )
    assert flatten_tree({"config": {"a": [1]}}) == left.fields
    assert not compared([left], [right])["x"].has_differences
