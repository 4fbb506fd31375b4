"""Events applied to a state."""

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.state.document import State
from keyturn.state.events import Intent, JournalCompacted, JournalPosition, OutcomeRecorded
from keyturn.state.replay import Replay

X, Y = Address("credential", "x"), Address("credential", "y")
EMPTY = State(workspace="prod", organization="org_1")
LAST = JournalPosition(9, "a" * 64, 7)


def intent(identity):
    """Return an intent with this id."""
    return Intent(id=identity, operation="create", address=X, action="create")


def outcome(identity, status=OutcomeStatus.DONE, **more):
    """Return the outcome of the intent with this id."""
    return OutcomeRecorded(intent=identity, address=X, action="create", outcome_status=status, **more)


def replay(base, *events):
    """Return ``base`` with ``events`` applied."""
    replayed = Replay(base)
    for event in events:
        replayed.apply_event(event)
    return replayed.build_state(LAST)


def test_the_last_outcome_of_an_address_counts(known):
    """Outcomes replace entries and close their intents."""
    state = replay(
        EMPTY,
        intent("1"),
        outcome("1", entry=known("credential/x", id="a")),
        intent("2"),
        outcome("2", entry=known("credential/x", id="b")),
    )
    assert state.find_entry(X).id == "b"
    assert state.open_intents == ()
    assert state.position == LAST


def test_entries_are_removed_before_one_is_added(known):
    """A rename removes the old address; the new one may be among the removed."""
    base = EMPTY.with_entry(known("credential/y"))
    state = replay(base, outcome("", entry=known("credential/x"), removed=(Y, X)))
    assert set(state.entries) == {X}


def test_intents_stay_open_without_a_known_outcome():
    """Without an outcome, or with an unknown one, an intent stays open; a later outcome closes it."""
    state = replay(
        EMPTY,
        *map(intent, "1234"),
        outcome("1"),
        outcome("2", OutcomeStatus.UNKNOWN),
        outcome("4", OutcomeStatus.FAILED),
        JournalCompacted(1),
    )
    assert [found.id for found in state.open_intents] == ["2", "3"]
    assert [found.id for found in replay(state, outcome("2")).open_intents] == ["3"]


def test_a_built_state_does_not_change(known):
    """Later events change neither the base nor an earlier result."""
    replayed = Replay(EMPTY)
    replayed.apply_event(outcome("1", entry=known("credential/x")))
    early = replayed.build_state(JournalPosition(1))
    replayed.apply_event(outcome("2", removed=(X,)))
    assert early.find_entry(X)
    assert replayed.build_state(JournalPosition(2)).entries == EMPTY.entries == {}
