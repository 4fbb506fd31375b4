"""What an earlier run left open is settled by looking."""

import pytest
from msgspec.structs import replace

from keyturn.operations.plan.recovery import matching_creates, resolve_open_intents, uncertain_entry
from keyturn.state.document import State
from keyturn.state.events import Intent
from making import credential, held, shown, wanted

DB = credential("prod-db")
KNOWN = held(wanted(DB), "id1", {"password": "x"})
LIVE = shown(KNOWN)
START = "2026-01-01T00:00:00Z"


def state(*intents, known=()):
    """Return a state with open intents."""
    return replace(State(workspace="prod", organization="org").with_entry(*known), open_intents=intents)


def intent(operation, **more):
    """Return an open intent."""
    return Intent(**{"id": "i", "operation": operation, "address": DB, "action": operation, "server_date": START, **more})


def test_nothing_open_changes_nothing():
    """The entries are the state's."""
    settled = resolve_open_intents(state(known=(KNOWN,)), [LIVE])
    assert settled.entries == {DB: KNOWN}
    assert (settled.leftover_probes, settled.diagnostics) == ((), ())


@pytest.mark.parametrize(
    ("live", "found"),
    [
        (LIVE, True),
        (replace(LIVE, created_at="2025-12-31T23:59:59Z"), False),
        (replace(LIVE, created_at="2026-01-01T00:00:01Z"), True),
        (replace(LIVE, address=credential("prod-dc")), False),
        (replace(LIVE, status="deleted"), False),
    ],
)
def test_a_create_is_looked_for_by_name_and_time(live, found):
    """Found, it is ours, and nothing of its content is certain."""
    entries = resolve_open_intents(state(intent("create")), [live]).entries
    assert (entries == {DB: uncertain_entry(DB, live)}) is found
    if found:
        assert (entries[DB].digest, entries[DB].fingerprints, entries[DB].updated_at) == ("", {}, "")


def test_two_candidates_are_one_too_many():
    """It is said, and nothing is taken over."""
    settled = resolve_open_intents(state(intent("create")), [LIVE, replace(LIVE, id="id2")])
    assert settled.entries == {}
    assert [each.code for each in settled.diagnostics] == ["KT466"]


def test_what_belongs_to_an_entry_is_not_taken():
    """An object has one owner."""
    assert matching_creates(intent("create"), [LIVE], frozenset({"id1"})) == ()
    assert matching_creates(intent("create"), [LIVE], frozenset()) == (LIVE,)


@pytest.mark.parametrize("op", ["update", "restore", "repoint"])
def test_a_write_in_doubt_is_written_again(op):
    """The entry stays, its fingerprints do not count any more."""
    entries = resolve_open_intents(state(intent(op, object="id1"), known=(KNOWN,)), [LIVE]).entries
    assert entries[DB].id == "id1"
    assert entries[DB].fingerprints == {}
    assert entries[DB] != KNOWN
    assert resolve_open_intents(state(intent(op, object="other"), known=(KNOWN,)), [LIVE]).entries == {
        DB: KNOWN
    }


@pytest.mark.parametrize(("listed", "gone"), [((LIVE,), False), ((), True)])
def test_a_retire_is_done_when_the_object_is_gone(listed, gone):
    """Then there is a tombstone."""
    entries = resolve_open_intents(state(intent("retire", object="id1"), known=(KNOWN,)), listed).entries
    assert bool(entries[DB].retired_at) is gone


def test_a_probe_is_left_over():
    """Whatever bears its name is to be purged, and is nobody's entry."""
    probe = intent("probe", expect="keyturn-probe-1")
    settled = resolve_open_intents(state(probe), [replace(LIVE, address=credential("keyturn-probe-1"))])
    assert settled.entries == {}
    assert len(settled.leftover_probes) == 1
