"""Back to the previous secret."""

from keyturn.model.change import Action, Change
from keyturn.operations.apply.rollback import roll_back_secret
from making import credential, held, shown, wanted

DB = credential("prod-db")


def rolled(desk, known):
    """Return what becomes of a roll-back to an entry."""
    desired = wanted(DB, secrets={"password": "new"})
    live = shown(known) if known else None
    return roll_back_secret(
        Change(action=Action.ROTATE, address=DB, desired=desired, entry=known, live=live), [], desk
    )


def test_without_a_commit_there_is_nothing_to_go_back_to(office, desk):
    """Said, and nothing is written."""
    before = office.writes()
    told, restored = rolled(desk, held(wanted(DB), "id1", {"password": "old"}))
    assert (told, restored) == (
        "it could not be rolled back: git does not hold the secret that was in use",
        False,
    )
    assert rolled(desk, None) == (told, restored)
    assert office.writes() == before


def test_a_commit_that_is_not_there_is_said(office, desk):
    """A shallow clone, or no git at all."""
    before = office.writes()
    told, restored = rolled(desk, held(wanted(DB), "id1", {"password": "old"}, commit="c0ffee" * 6))
    assert told.startswith("it could not be rolled back: ")
    assert not restored
    assert office.writes() == before
