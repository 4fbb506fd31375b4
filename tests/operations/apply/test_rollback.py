"""Rollback to the previous secret."""

from keyturn.model.change import Action, Change
from keyturn.operations.apply.rollback import roll_back_secret
from sample_resources import credential_address, make_desired, make_live_object, make_state_entry

DB = credential_address("prod-db")


def roll_back(context, entry):
    """Return the result of a rollback to an entry."""
    desired = make_desired(DB, secrets={"password": "new"})
    live = make_live_object(entry) if entry else None
    return roll_back_secret(
        Change(action=Action.ROTATE, address=DB, desired=desired, entry=entry, live=live), [], context
    )


def test_rollback_fails_without_a_commit(setup, context):
    """The message says so, and nothing is written."""
    before = setup.count_writes()
    message, restored = roll_back(context, make_state_entry(make_desired(DB), "id1", {"password": "old"}))
    assert (message, restored) == (
        "rollback failed: git does not have the previous secret",
        False,
    )
    assert roll_back(context, None) == (message, restored)
    assert setup.count_writes() == before


def test_rollback_fails_if_the_commit_is_missing(setup, context):
    """A shallow clone, or no git repository."""
    before = setup.count_writes()
    message, restored = roll_back(
        context, make_state_entry(make_desired(DB), "id1", {"password": "old"}, commit="c0ffee" * 6)
    )
    assert message.startswith("rollback failed: ")
    assert not restored
    assert setup.count_writes() == before
