"""Changes: facts about one resource, and the precondition they stand on."""

import pytest

from keyturn.core.change import ABSENT, Action, Change, FieldChange, SecretState
from making import credential, held, shown, wanted

PATH = ("config", "host")


@pytest.mark.parametrize(
    ("applied", "live", "wanted", "drifted"),
    [
        ("a", "b", "a", True),
        ("a", "b", "c", True),
        ("a", ABSENT, "a", True),
        ("a", "b", "b", False),
        ("a", "a", "b", False),
        ("a", "a", "a", False),
        (ABSENT, "b", "a", False),
        (ABSENT, ABSENT, "a", False),
    ],
)
def test_drift(applied, live, wanted, drifted):
    """A field drifted if we applied it, it moved, and it did not move to what git wants."""
    assert FieldChange(PATH, applied, live, wanted).drifted is drifted


def test_expected_is_when_the_live_object_was_last_touched():
    """A change stands on the live object as it was seen."""
    live = shown(held(wanted(credential("a")), "1"), updated_at="2026-02-03T04:05:06Z")
    change = Change(action=Action.UPDATE, address=credential("a"), live=live)
    assert change.expected == "2026-02-03T04:05:06Z"


def test_expected_is_empty_where_nothing_is_live():
    """A creation stands on nothing."""
    assert Change(action=Action.CREATE, address=credential("a")).expected == ""


def test_absent_is_no_value_of_a_manifest():
    """What stands for an absent field cannot be written in YAML, which refuses NUL."""
    assert "\0" in ABSENT


def test_names_are_those_of_the_plan():
    """Actions and states have the words that a plan shows, each one once."""
    for names in (Action, SecretState):
        assert len({each.value for each in names}) == len(names)
        assert all(each.value == each.value.lower() for each in names)


def test_a_change_is_its_facts():
    """Two changes of the same facts are equal, and the reason is one of them."""
    one = Change(action=Action.UPDATE, address=credential("a"), why="host changed")
    assert one == Change(action=Action.UPDATE, address=credential("a"), why="host changed")
    assert one != Change(action=Action.UPDATE, address=credential("a"), why="port changed")
