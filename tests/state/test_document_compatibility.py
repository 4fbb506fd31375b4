"""Documents and journals of keyturn 0.1 decode to the same values and are written in the same form."""

import json
from pathlib import Path

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.resource import StateEntry
from keyturn.state.document import State, decode_state, encode_state
from keyturn.state.events import (
    Intent,
    JournalCompacted,
    JournalPosition,
    OutcomeRecorded,
    RunFinished,
    RunStarted,
    TornLineRemoved,
    encode_event,
)
from keyturn.state.journal_record import encode_journal_record, read_journal_records, verify_chain
from keyturn.state.stores.base import LogLine

FIXTURES = Path(__file__).parent / "fixtures"
PROD_X = Address("connection", "prod-x")
DAY = "2026-03-09T12:00:00Z"
APPLIED = {
    ("config", "host"): "db.acme.com",
    ("config", "port"): 5432,
    ("config", "ratio"): 1.0,
    ("config", "ssl"): True,
    ("config", "one"): 1,
    ("config", "none"): None,
    ("config", "a/b~c"): "slash and tilde",
    ("config", ""): "empty key",
    ("config", "tags"): ["a", 1, 1.0, True, None, {"k": "v"}],
    ("config", "empty"): {},
    ("config", "list"): [],
    ("config", 'ö "quoted"\n'): "ü € \u2028 \U0001f511",
    ("credential",): Address("credential", "prod-x"),
    ("uses",): [Address("credential", "prod-x"), {"ref": Address("credential", "prod-y")}],
    ("literal_ref",): {"ref": "credential/not-a-reference"},
    ("literal_literal",): {"literal": {"ref": "x"}},
    ("big",): 2**63 + 1,
    ("tiny",): 1e-300,
    ("exp",): 1e22,
}
FULL = StateEntry(
    address=PROD_X,
    id="conn_1",
    type="postgres",
    digest="d" * 64,
    applied=APPLIED,
    observed={**APPLIED, ("config", "port"): "5432"},
    fingerprints={("password",): "f" * 64, ("config", "a/b"): "0" * 64},
    updated_at=DAY,
    earlier=(f"/password:{'e' * 64}",),
    rotated_at="2026-03-01T00:00:00Z",
    retired_at="2026-03-02T00:00:00Z",
    commit="c" * 40,
    protect=True,
    destinations=("k1-" + "a" * 64,),
)
EMPTY = StateEntry(
    address=Address("credential", "prod-x"),
    id="c3",
    type="",
    digest="",
    applied={},
    observed={},
    fingerprints={},
    updated_at="",
)
OTHER_TYPE = StateEntry(
    address=Address("credential", "prod y/ü"),
    id="c2",
    type="database",
    digest="1" * 64,
    applied={("config", "one"): 1},
    observed={("config", "one"): True},
    fingerprints={},
    updated_at="2026",
)
FULL_INTENT = Intent(
    id="i1",
    operation="update",
    address=PROD_X,
    action="rotate",
    object="conn_1",
    expect="prod-x",
    precondition=DAY,
    server_date="Mon, 09 Mar 2026 12:00:00 GMT",
    fingerprints={("password",): "f" * 64},
    digest="d" * 64,
)
SHORT_INTENT = Intent(id="i2", operation="create", address=Address("credential", "n"), action="create")
EVENTS = [
    RunStarted(
        run="r1",
        command="apply",
        workspace="prod",
        organization="org_1",
        who="ann",
        host="laptop",
        commit="c" * 40,
        tool="keyturn 0.1.0",
        url="https://ci/1",
    ),
    RunStarted(run="r2", command="import", workspace="prod", organization="org_1", who="bob", host="h"),
    FULL_INTENT,
    SHORT_INTENT,
    OutcomeRecorded(
        intent="i1", address=PROD_X, action="rotate", outcome_status=OutcomeStatus.DONE, entry=FULL
    ),
    OutcomeRecorded(
        intent="",
        address=Address("credential", "n"),
        action="forget",
        outcome_status=OutcomeStatus.DONE,
        removed=(Address("credential", "n"), Address("credential", "o")),
        message='gone "quoted" ü',
    ),
    OutcomeRecorded(
        intent="i2",
        address=Address("credential", "n"),
        action="create",
        outcome_status=OutcomeStatus.UNKNOWN,
        message="timeout",
    ),
    RunFinished("r1", "ended", {"done": 2, "failed": 0}),
    RunFinished("r2", "failed"),
    TornLineRemoved(17),
    JournalCompacted(3),
]


def read_journal():
    """Return the records of the old journal."""
    lines = (FIXTURES / "journal.jsonl").read_bytes().splitlines(keepends=True)
    return list(read_journal_records(LogLine(0, line) for line in lines))


def test_an_old_document_decodes_to_the_same_values():
    """Every field of the entries and intents has its old value and type."""
    state = decode_state((FIXTURES / "ledger.json").read_bytes(), "here", "prod", "org_1")
    position = JournalPosition(11, read_journal()[-1].hash, 5243)
    assert state == State(
        workspace="prod",
        organization="org_1",
        serial=3,
        entries={entry.address: entry for entry in (FULL, EMPTY, OTHER_TYPE)},
        position=position,
        open_intents=(FULL_INTENT, SHORT_INTENT),
    )
    for entry in (FULL, OTHER_TYPE):
        decoded = state.entries[entry.address]
        assert repr(dict(decoded.applied)) == repr(entry.applied)
        assert repr(dict(decoded.observed)) == repr(entry.observed)


def test_a_document_has_the_keys_and_the_order_of_an_old_one():
    """Only the escapes of characters outside ASCII and the form of exponents differ."""
    old = (FIXTURES / "ledger.json").read_bytes()
    new = encode_state(decode_state(old, "here", "prod", "org_1"))
    assert len(new.splitlines()) == len(old.splitlines())
    header, entries = slice(1, 3), slice(3, -1)
    assert new.splitlines()[header] == old.splitlines()[header]
    for mine, theirs in zip(new.splitlines()[entries], old.splitlines()[entries], strict=True):
        assert repr(json.loads(mine.rstrip(b","))) == repr(json.loads(theirs.rstrip(b",")))


def test_an_old_journal_decodes_to_the_same_events():
    """The chain of an old journal is valid, and each event has its old value."""
    records = read_journal()
    assert [record.event for record in records] == EVENTS
    assert verify_chain(records) is None
    assert [(record.seq, record.at) for record in records] == [
        (number, "2026-03-09T12:00:00.000Z") for number in range(1, 12)
    ]


def test_a_journal_has_the_keys_and_the_order_of_an_old_one():
    """A new line has the same JSON as an old one, apart from the hashes."""
    position = JournalPosition()
    for event, old in zip(EVENTS, (FIXTURES / "journal.jsonl").read_bytes().splitlines(), strict=True):
        line, digest = encode_journal_record(position, "2026-03-09T12:00:00.000Z", encode_event(event))
        position = JournalPosition(position.seq + 1, digest)
        mine, theirs = json.loads(line), json.loads(old)
        hashes = {"prev": "", "hash": ""}
        if theirs.get("ending") == "unsure":
            theirs["ending"] = OutcomeStatus.UNKNOWN.value
        assert repr(mine | hashes) == repr(theirs | hashes)
