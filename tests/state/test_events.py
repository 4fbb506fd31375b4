"""The JSON form of events."""

import json
import re

import msgspec
import pytest

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.state.events import (
    EVENT_NAMES,
    Intent,
    JournalCompacted,
    OutcomeRecorded,
    RunFinished,
    RunStarted,
    StoredIntent,
    TornLineRemoved,
    decode_event,
    encode_event,
    event_name,
    from_stored_intent,
    to_stored_intent,
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
def test_each_kind_of_event_survives(name):
    """Each event is one line, under the name that `keyturn log` shows."""
    event = EVENTS[name]
    data = encode_event(event)
    assert b"\n" not in data
    assert decode_event(data) == event
    assert event_name(event) == json.loads(data)["event"] == name


def test_an_outcome_contains_the_entry(known):
    """The journal has the resulting entry and the removed addresses; empty fields are left out."""
    event = OutcomeRecorded(
        intent="i1",
        address=X,
        action="rename",
        outcome_status=OutcomeStatus.DONE,
        entry=known(retired_at="2026-03-09T12:00:00Z"),
        removed=(Address("credential", "prod-old"),),
        message="renamed",
    )
    assert decode_event(encode_event(event)) == event
    bare = OutcomeRecorded(intent="", address=X, action="forget", outcome_status=OutcomeStatus.FAILED)
    assert decode_event(encode_event(bare)) == bare
    assert set(json.loads(encode_event(bare))) == {"event", "intent", "address", "action", "ending"}
    assert event_name(bare) == "outcome"


def test_the_document_stores_an_intent_without_the_kind_of_event():
    """Open intents are part of the state document."""
    data = msgspec.json.encode(to_stored_intent(INTENT))
    assert "event" not in json.loads(data)
    assert from_stored_intent(msgspec.json.decode(data, type=StoredIntent)) == INTENT


def test_known_kinds_are_listed():
    """A kind outside this list was written by a newer keyturn."""
    assert {*EVENTS, "outcome"} == EVENT_NAMES


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"event": "intent", "id": 7}, "$.id"),
        (
            {"event": "outcome", "intent": "i", "address": "a/b", "action": "x", "ending": "splendid"},
            "splendid",
        ),
        ({"event": "end", "run": "r", "ending": "done", "counts": {"done": "x"}}, "$.counts"),
        ({"event": "end", "run": "r", "ending": "done", "counts": {"done": True}}, "$.counts"),
        ({"event": "repair", "dropped": True}, "$.dropped"),
        ({"event": "repair", "dropped": 1.0}, "$.dropped"),
        ({"event": "repair"}, "dropped"),
        ({"event": ["intent"]}, "$.event"),
        ({"event": "teleport"}, "$.event"),
    ],
)
def test_an_event_of_another_form_is_refused_with_a_path(tree, path):
    """The error names the field with the wrong type; integers and booleans are distinct."""
    with pytest.raises(ValueError, match=re.escape(path)):
        decode_event(json.dumps(tree).encode())
