"""Recovery of the open intents of an interrupted run."""

import pytest
from msgspec.structs import replace

from keyturn.operations.plan.recovery import matching_creates, resolve_open_intents, uncertain_entry
from keyturn.state.document import State
from keyturn.state.events import Intent
from sample_resources import credential_address, make_desired, make_live_object, make_state_entry

DB = credential_address("prod-db")
KNOWN = make_state_entry(make_desired(DB), "id1", {"password": "x"})
LIVE = make_live_object(KNOWN)
START = "2026-01-01T00:00:00Z"


def state(*intents, known=()):
    """Return a state with open intents."""
    return replace(State(workspace="prod", organization="org").with_entry(*known), open_intents=intents)


def intent(operation, **more):
    """Return an open intent."""
    return Intent(
        **{
            "id": "i",
            "operation": operation,
            "address": DB,
            "action": operation,
            "server_date": START,
            **more,
        }
    )


def test_without_open_intents_the_entries_stay():
    """Nothing is left to do."""
    recovery = resolve_open_intents(state(known=(KNOWN,)), [LIVE])
    assert recovery.entries == {DB: KNOWN}
    assert (recovery.leftover_probes, recovery.diagnostics) == ((), ())


@pytest.mark.parametrize(
    ("live", "found"),
    [
        (LIVE, True),
        (replace(LIVE, created_at="2025-12-31T23:59:59Z"), False),
        (replace(LIVE, created_at="2026-01-01T00:00:01Z"), True),
        (replace(LIVE, address=credential_address("prod-dc")), False),
        (replace(LIVE, status="deleted"), False),
    ],
)
def test_a_create_is_found_by_name_and_time(live, found):
    """The entry of a found object is uncertain."""
    entries = resolve_open_intents(state(intent("create")), [live]).entries
    assert (entries == {DB: uncertain_entry(DB, live)}) is found
    if found:
        assert (entries[DB].digest, entries[DB].fingerprints, entries[DB].updated_at) == ("", {}, "")


def test_two_candidates_are_an_error():
    """Neither object gets an entry."""
    recovery = resolve_open_intents(state(intent("create")), [LIVE, replace(LIVE, id="id2")])
    assert recovery.entries == {}
    assert [each.code for each in recovery.diagnostics] == ["KT466"]


def test_an_object_with_an_entry_is_no_candidate():
    """Its ID is taken."""
    assert matching_creates(intent("create"), [LIVE], frozenset({"id1"})) == ()
    assert matching_creates(intent("create"), [LIVE], frozenset()) == (LIVE,)


@pytest.mark.parametrize("operation", ["update", "restore", "repoint"])
def test_an_open_write_makes_its_entry_uncertain(operation):
    """The entry stays without fingerprints; other entries do not change."""
    entries = resolve_open_intents(state(intent(operation, object="id1"), known=(KNOWN,)), [LIVE]).entries
    assert entries[DB].id == "id1"
    assert entries[DB].fingerprints == {}
    assert entries[DB] != KNOWN
    assert resolve_open_intents(state(intent(operation, object="other"), known=(KNOWN,)), [LIVE]).entries == {
        DB: KNOWN
    }


@pytest.mark.parametrize(("listed", "gone"), [((LIVE,), False), ((), True)])
def test_an_open_retire_is_done_if_the_object_is_gone(listed, gone):
    """The entry becomes a tombstone."""
    entries = resolve_open_intents(state(intent("retire", object="id1"), known=(KNOWN,)), listed).entries
    assert bool(entries[DB].retired_at) is gone


def test_a_live_probe_is_left_over():
    """An object with the name of a probe gets no entry and is purged."""
    probe = intent("probe", expect="keyturn-probe-1")
    recovery = resolve_open_intents(
        state(probe), [replace(LIVE, address=credential_address("keyturn-probe-1"))]
    )
    assert recovery.entries == {}
    assert len(recovery.leftover_probes) == 1
