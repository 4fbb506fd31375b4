"""Events as JSON and back."""

import json

import pytest

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.state.events import (
    GENESIS_HASH,
    Intent,
    JournalCompacted,
    JournalPosition,
    OutcomeRecorded,
    RunFinished,
    RunStarted,
    TornLineRemoved,
    decode_event,
    decode_intent,
    encode_event,
    encode_intent,
    event_name,
)

X = Address("credential", "prod-x")
INTENT = Intent(
    id="i1",
    operation="update",
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
    "end": RunFinished("r1", "done", {"done": 3, "failed": 1}),
    "repair": TornLineRemoved(17),
    "compacted": JournalCompacted(4),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_comes_back_as_it_was(name):
    """Each kind of event survives on one line, under the word that the log shows."""
    event = EVENTS[name]
    packed = encode_event(event)
    assert "\n" not in packed
    assert decode_event(json.loads(packed)) == event
    assert event_name(event) == json.loads(packed)["event"] == name


def test_an_outcome_carries_the_entry_that_is_to_be(known):
    """What a change left behind is in the journal, tombstone or not, and what it took away."""
    event = OutcomeRecorded(
        intent="i1",
        address=X,
        action="rename",
        outcome_status=OutcomeStatus.DONE,
        entry=known(retired_at="2026-03-09T12:00:00Z"),
        removed=(Address("credential", "prod-old"),),
        message="renamed",
    )
    assert decode_event(json.loads(encode_event(event))) == event
    bare = OutcomeRecorded(intent="", address=X, action="forget", outcome_status=OutcomeStatus.FAILED)
    assert decode_event(json.loads(encode_event(bare))) == bare
    assert set(json.loads(encode_event(bare))) == {"event", "intent", "address", "action", "ending"}


def test_an_intent_goes_into_the_document_too():
    """Open intents outlive the journal's tail."""
    assert decode_intent(json.loads(json.dumps(encode_intent(INTENT)))) == INTENT


def test_a_position_is_three_values():
    """A position survives; the first one is the genesis."""
    assert JournalPosition.from_dict(JournalPosition(3, "a" * 64, 9).to_dict()) == JournalPosition(
        3, "a" * 64, 9
    )
    assert JournalPosition() == JournalPosition(0, GENESIS_HASH, 0)


def test_an_event_of_a_newer_keyturn_is_told_from_a_broken_one():
    """The two are answered differently: use the newer one, or look at the journal."""
    with pytest.raises(KeyError, match="event"):
        decode_event({"event": "teleport"})
    broken = [
        {"event": "intent", "id": 7},
        {"event": "outcome", "intent": "i", "address": "a/b", "action": "x", "ending": "splendid"},
        {"event": "end", "run": "r", "ending": "done", "counts": {"done": "x"}},
        {"event": "repair"},
        {"event": ["intent"]},
    ]
    for tree in broken:
        with pytest.raises((LookupError, TypeError, ValueError)) as stopped:
            decode_event(tree)
        assert stopped.value.args != ("event",)
