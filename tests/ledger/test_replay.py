"""The journal folded into the ledger."""

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.outcome import Ending
from keyturn.ledger.document import Ledger
from keyturn.ledger.event import Compacted, Finished, Intent, Position, pack
from keyturn.ledger.medium import Line
from keyturn.ledger.record import compose, parse
from keyturn.ledger.replay import Fold, open_intents, replay

X, Y = Address("credential", "x"), Address("credential", "y")
EMPTY = Ledger(workspace="prod", organization="org_1")


def intent(number, address=X):
    """Return an intent of this id."""
    return Intent(id=number, op="create", address=address, action="create")


def finished(number, ending=Ending.DONE, **more):
    """Return the outcome of the intent of this id."""
    return Finished(intent=number, address=X, action="create", ending=ending, **more)


def written(*events):
    """Return the records of a journal that holds ``events``."""
    records, last = [], Position()
    for event in events:
        data, _ = compose(last, "now", pack(event))
        records.append(parse(Line(last.seq * 10, data)))
        last = records[-1].position
    return records


def test_outcomes_become_entries(known):
    """What the outcomes left behind is what the ledger holds, the last word counting."""
    records = written(
        intent("1"),
        finished("1", entry=known("credential/x", id="a")),
        intent("2"),
        finished("2", entry=known("credential/x", id="b")),
    )
    ledger = replay(EMPTY, records)
    assert ledger.find(X).id == "b"
    assert ledger.open == ()
    assert ledger.position == records[-1].position


def test_a_rename_takes_the_old_entry_out(known):
    """The entries that an outcome names as gone are gone, before its own goes in."""
    base = EMPTY.with_entry(known("credential/y"))
    ledger = replay(base, written(finished("", entry=known("credential/x"), gone=(Y, X))))
    assert set(ledger.entries) == {X}


def test_what_the_document_holds_is_not_folded_in_again(known):
    """Records up to the ledger's position are passed over."""
    records = written(
        finished("1", entry=known("credential/x")),
        finished("2", gone=(X,)),
        finished("3", entry=known("credential/y")),
    )
    whole = replay(EMPTY, records)
    assert replay(replay(EMPTY, records[:2]), records) == whole
    assert replay(whole, records) == whole
    emptied = replace(whole, entries={})
    assert replay(emptied, records) == emptied


def test_intents_stay_open_until_their_end_is_known():
    """No outcome, or an unsure one, leaves an intent open; a later outcome closes it."""
    records = written(
        intent("1"),
        intent("2"),
        intent("3"),
        intent("4"),
        finished("1"),
        finished("2", Ending.UNSURE),
        finished("4", Ending.FAILED),
        Compacted(1),
    )
    assert [found.id for found in open_intents(records)] == ["2", "3"]
    assert [found.id for found in replay(EMPTY, records).open] == ["2", "3"]
    last = records[-1].position
    data, _ = compose(last, "now", pack(finished("2")))
    closed = replay(replay(EMPTY, records), [parse(Line(0, data))])
    assert [found.id for found in closed.open] == ["3"]


def test_a_fold_leaves_its_base_alone(known):
    """Ledgers taken from a fold do not change when it goes on."""
    fold = Fold(EMPTY)
    fold.take(finished("1", entry=known("credential/x")))
    early = fold.ledger(Position(1))
    fold.take(finished("2", gone=(X,)))
    assert early.find(X)
    assert fold.ledger(Position(2)).entries == EMPTY.entries == {}
