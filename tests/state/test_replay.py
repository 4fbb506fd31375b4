"""The journal folded into the state."""

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.state.document import State
from keyturn.state.events import Intent, JournalCompacted, JournalPosition, OutcomeRecorded, encode_event
from keyturn.state.journal_record import decode_journal_record, encode_journal_record
from keyturn.state.replay import Replay, find_open_intents, replay_records
from keyturn.state.stores.base import LogLine

X, Y = Address("credential", "x"), Address("credential", "y")
EMPTY = State(workspace="prod", organization="org_1")


def intent(number, address=X):
    """Return an intent of this id."""
    return Intent(id=number, operation="create", address=address, action="create")


def finished(number, ending=OutcomeStatus.DONE, **more):
    """Return the outcome of the intent of this id."""
    return OutcomeRecorded(intent=number, address=X, action="create", outcome_status=ending, **more)


def written(*events):
    """Return the records of a journal that holds ``events``."""
    records, last = [], JournalPosition()
    for event in events:
        data, _ = encode_journal_record(last, "now", encode_event(event))
        records.append(decode_journal_record(LogLine(last.seq * 10, data)))
        last = records[-1].position
    return records


def test_outcomes_become_entries(known):
    """What the outcomes left behind is what the state holds, the last word counting."""
    records = written(
        intent("1"),
        finished("1", entry=known("credential/x", id="a")),
        intent("2"),
        finished("2", entry=known("credential/x", id="b")),
    )
    state = replay_records(EMPTY, records)
    assert state.find_entry(X).id == "b"
    assert state.open_intents == ()
    assert state.position == records[-1].position


def test_a_rename_takes_the_old_entry_out(known):
    """The entries that an outcome names as gone are gone, before its own goes in."""
    base = EMPTY.with_entry(known("credential/y"))
    state = replay_records(base, written(finished("", entry=known("credential/x"), removed=(Y, X))))
    assert set(state.entries) == {X}


def test_what_the_document_holds_is_not_folded_in_again(known):
    """Records up to the state's position are passed over."""
    records = written(
        finished("1", entry=known("credential/x")),
        finished("2", removed=(X,)),
        finished("3", entry=known("credential/y")),
    )
    whole = replay_records(EMPTY, records)
    assert replay_records(replay_records(EMPTY, records[:2]), records) == whole
    assert replay_records(whole, records) == whole
    emptied = replace(whole, entries={})
    assert replay_records(emptied, records) == emptied


def test_intents_stay_open_until_their_end_is_known():
    """No outcome, or an unsure one, leaves an intent open; a later outcome closes it."""
    records = written(
        intent("1"),
        intent("2"),
        intent("3"),
        intent("4"),
        finished("1"),
        finished("2", OutcomeStatus.UNKNOWN),
        finished("4", OutcomeStatus.FAILED),
        JournalCompacted(1),
    )
    assert [found.id for found in find_open_intents(records)] == ["2", "3"]
    assert [found.id for found in replay_records(EMPTY, records).open_intents] == ["2", "3"]
    last = records[-1].position
    data, _ = encode_journal_record(last, "now", encode_event(finished("2")))
    closed = replay_records(replay_records(EMPTY, records), [decode_journal_record(LogLine(0, data))])
    assert [found.id for found in closed.open_intents] == ["3"]


def test_a_fold_leaves_its_base_alone(known):
    """States taken from a fold do not change when it goes on."""
    fold = Replay(EMPTY)
    fold.apply_event(finished("1", entry=known("credential/x")))
    early = fold.build_state(JournalPosition(1))
    fold.apply_event(finished("2", removed=(X,)))
    assert early.find_entry(X)
    assert fold.build_state(JournalPosition(2)).entries == EMPTY.entries == {}
