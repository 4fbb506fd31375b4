"""Events as JSON and back."""

import json

import pytest

from keyturn.core.address import Address
from keyturn.core.outcome import Ending
from keyturn.ledger.event import (
    GENESIS,
    Compacted,
    Finished,
    Intent,
    Position,
    Repaired,
    RunEnded,
    RunStarted,
    name_of,
    pack,
    pack_intent,
    unpack,
    unpack_intent,
)

X = Address("credential", "prod-x")
INTENT = Intent(
    id="i1",
    op="update",
    address=X,
    action="rotate",
    object="cred_1",
    expect="prod-x",
    precondition="2026-03-09T12:00:00Z",
    server_date="Mon, 09 Mar 2026 12:00:00 GMT",
    fingerprints={("headers", "X-Api/Key"): "f" * 64},
    digest="d" * 64,
)
EVENTS = {
    "run": RunStarted(
        run="r1",
        command="apply",
        workspace="prod",
        organization="org_1",
        who="ann",
        host="ci",
        commit="c" * 40,
        tool="1.0",
        url="https://ci/1",
    ),
    "intent": INTENT,
    "end": RunEnded("r1", "done", {"done": 3, "failed": 1}),
    "repair": Repaired(17),
    "compacted": Compacted(4),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_comes_back_as_it_was(name):
    """Each kind of event survives on one line, under the word that the log shows."""
    event = EVENTS[name]
    packed = pack(event)
    assert "\n" not in packed
    assert unpack(json.loads(packed)) == event
    assert name_of(event) == json.loads(packed)["event"] == name


def test_an_outcome_carries_the_entry_that_is_to_be(known):
    """What a change left behind is in the journal, tombstone or not, and what it took away."""
    event = Finished(
        intent="i1",
        address=X,
        action="rename",
        ending=Ending.DONE,
        entry=known(retired_at="2026-03-09T12:00:00Z"),
        gone=(Address("credential", "prod-old"),),
        message="renamed",
    )
    assert unpack(json.loads(pack(event))) == event
    bare = Finished(intent="", address=X, action="forget", ending=Ending.FAILED)
    assert unpack(json.loads(pack(bare))) == bare
    assert set(json.loads(pack(bare))) == {"event", "intent", "address", "action", "ending"}


def test_an_intent_goes_into_the_document_too():
    """Open intents outlive the journal's tail."""
    assert unpack_intent(json.loads(json.dumps(pack_intent(INTENT)))) == INTENT


def test_a_position_is_three_values():
    """A position survives; the first one is the genesis."""
    assert Position.parse(Position(3, "a" * 64, 9).tree()) == Position(3, "a" * 64, 9)
    assert Position() == Position(0, GENESIS, 0)


def test_an_event_of_a_newer_keyturn_is_told_from_a_broken_one():
    """The two are answered differently: use the newer one, or look at the journal."""
    with pytest.raises(KeyError, match="event"):
        unpack({"event": "teleport"})
    broken = [
        {"event": "intent", "id": 7},
        {"event": "outcome", "intent": "i", "address": "a/b", "action": "x", "ending": "splendid"},
        {"event": "end", "run": "r", "ending": "done", "counts": {"done": "x"}},
        {"event": "repair"},
        {"event": ["intent"]},
    ]
    for tree in broken:
        with pytest.raises((LookupError, TypeError, ValueError)) as stopped:
            unpack(tree)
        assert stopped.value.args != ("event",)
