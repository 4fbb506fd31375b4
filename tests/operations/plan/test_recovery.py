"""Recovery of the open intents of an interrupted run."""

import pytest
from msgspec.structs import replace

from keyturn.model.resource import Generation, GenerationRole
from keyturn.operations.plan.recovery import (
    list_unconfirmed_objects,
    resolve_open_intents,
    uncertain_entry,
)
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
            "type": LIVE.type,
            "fields": LIVE.fields,
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


@pytest.mark.parametrize(
    "doubt",
    [
        {"type": "", "fields": {}},
        {"server_date": ""},
        {"server_date": "garbage"},
        {"fields": {("config", "x"): 1}},
    ],
    ids=str,
)
def test_an_object_without_evidence_is_not_taken_over(doubt):
    """An intent of an earlier version or of somebody else: a warning says what to do."""
    recovery = resolve_open_intents(state(intent("create", **doubt)), [LIVE])
    assert recovery.entries == {}
    assert [(each.code, each.severity.name) for each in recovery.diagnostics] == [("KT466", "WARNING")]
    assert "--adopt prod-db" in recovery.diagnostics[0].hint
    assert LIVE.id in recovery.diagnostics[0].message


def test_an_object_with_an_entry_is_no_candidate():
    """Its ID is taken."""
    other = replace(KNOWN, address=credential_address("prod-other"))
    recovery = resolve_open_intents(state(intent("create"), known=(other,)), [LIVE])
    assert recovery.entries == {other.address: other}
    assert [each.id for each in recovery.unresolved] == ["i"]


def test_one_proven_object_is_found_beside_a_foreign_one():
    """Names are not unique everywhere."""
    foreign = replace(LIVE, id="id2", fields={("config", "host"): "theirs.example.com"})
    entries = resolve_open_intents(state(intent("create")), [foreign, LIVE]).entries
    assert [each.id for each in entries.values()] == ["id1"]


def test_an_object_with_a_recorded_id_is_found_whatever_its_fields_are():
    """Its ID comes from the response of the create; a list that omits it is no proof."""
    recorded = intent("create", object="id1")
    edited = replace(LIVE, fields={("config", "host"): "edited.example.com"})
    assert resolve_open_intents(state(recorded), [edited]).entries[DB].id == "id1"
    retired = intent("retire", id="j", object="id3")
    opened = state(recorded, retired, intent("update", id="k", object="id4"), intent("create", id="l"))
    assert list_unconfirmed_objects(opened) == (("credential", "id1"), ("credential", "id3"))


SUCCESSOR = Generation(role=GenerationRole.SUCCESSOR, resource="prod-db", replaces="id1")
PREDECESSOR = Generation(role=GenerationRole.PREDECESSOR, resource="prod-db", retires_on="2026-02-01")
NEXT = replace(KNOWN, address=credential_address("anything"), id="id2", generation=SUCCESSOR)
LAST = replace(KNOWN, address=credential_address("else"), generation=PREDECESSOR)


def test_a_created_successor_keeps_its_role():
    """The intent has it."""
    address = credential_address("anything")
    creation = intent("create", address=address, generation=SUCCESSOR)
    live = replace(LIVE, id="id2", address=address)
    entries = resolve_open_intents(state(creation, known=(KNOWN,)), [LIVE, live]).entries
    assert (entries[DB], entries[address].generation) == (KNOWN, SUCCESSOR)


@pytest.mark.parametrize(
    ("known", "is_completed"),
    [
        ((LAST, NEXT), True),
        ((replace(LAST, id="id9"), NEXT), False),
        ((replace(LAST, generation=None), NEXT), False),
        ((LAST, replace(NEXT, generation=None)), False),
        ((LAST, replace(NEXT, retired_at=START)), False),
        ((LAST, NEXT, replace(KNOWN, id="id3")), False),
    ],
    ids=["interrupted", "another predecessor", "a user's", "no successor", "retired", "taken"],
)
def test_a_successor_takes_over_by_the_roles_of_the_entries(known, is_completed):
    """The names of the two objects say nothing."""
    entries = resolve_open_intents(state(known=known), []).entries
    assert (entries.get(DB) is not None and entries[DB].id == "id2") is is_completed
    if is_completed:
        assert (entries[DB].generation, entries[DB].earlier, entries[DB].digest) == (None, (), "")
        assert NEXT.address not in entries
    else:
        assert entries == {each.address: each for each in known}


@pytest.mark.parametrize(("expect", "address"), [("prod-db", DB), ("anything", NEXT.address)])
def test_an_interrupted_take_over_of_the_name_is_finished(expect, address):
    """The rename of a successor to the name of its resource."""
    promotion = intent("update", object="id2", expect=expect)
    entries = resolve_open_intents(state(promotion, known=(LAST, NEXT)), []).entries
    assert entries[DB].id == "id2"
    unfinished = resolve_open_intents(state(promotion, known=(NEXT,)), []).entries
    assert [each.address for each in unfinished.values()] == [address]


@pytest.mark.parametrize("name", ["prod-db-next-1a2b3c", "prod-db-until-2099-01-01", "prod-db-retiring-1"])
def test_names_of_entries_decide_nothing(name):
    """An entry of a user may have any name."""
    entry = replace(KNOWN, address=credential_address(name))
    promotion = intent("update", object="id1", expect="prod-db")
    assert list(resolve_open_intents(state(known=(entry,)), []).entries) == [entry.address]
    assert list(resolve_open_intents(state(promotion, known=(entry,)), []).entries) == [entry.address]


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
    """An object that is provably a probe gets no entry and is purged."""
    probe = intent("probe", expect="keyturn-probe-1")
    live = replace(LIVE, address=credential_address("keyturn-probe-1"))
    recovery = resolve_open_intents(state(probe), [live])
    assert recovery.entries == {}
    assert recovery.leftover_probes == ((probe, "id1"),)
    doubtful = resolve_open_intents(state(probe), [replace(live, type="aws")])
    assert (doubtful.leftover_probes, [each.code for each in doubtful.diagnostics]) == ((), ["KT466"])
    recorded = resolve_open_intents(state(replace(probe, object="id5")), [])
    assert [identity for _, identity in recorded.leftover_probes] == ["id5"]
