"""Rollback to the previous secret."""

from keyturn.model.change import Action, Change
from keyturn.operations.apply.rollback import roll_back_secret
from making import credential, held, shown, wanted

DB = credential("prod-db")


def roll_back(context, entry):
    """Return the result of a rollback to an entry."""
    desired = wanted(DB, secrets={"password": "new"})
    live = shown(entry) if entry else None
    return roll_back_secret(
        Change(action=Action.ROTATE, address=DB, desired=desired, entry=entry, live=live), [], context
    )


def test_rollback_fails_without_a_commit(office, context):
    """The message says so, and nothing is written."""
    before = office.writes()
    message, restored = roll_back(context, held(wanted(DB), "id1", {"password": "old"}))
    assert (message, restored) == (
        "rollback failed: git does not have the previous secret",
        False,
    )
    assert roll_back(context, None) == (message, restored)
    assert office.writes() == before


def test_rollback_fails_if_the_commit_is_missing(office, context):
    """A shallow clone, or no git repository."""
    before = office.writes()
    message, restored = roll_back(context, held(wanted(DB), "id1", {"password": "old"}, commit="c0ffee" * 6))
    assert message.startswith("rollback failed: ")
    assert not restored
    assert office.writes() == before
