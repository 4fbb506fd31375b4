"""Create and update one object."""

import json
import time

import pytest
from msgspec.structs import replace

from fake_clock import FakeClock
from keyturn.client.client import Client, ClientSettings
from keyturn.client.records import ApiRecord
from keyturn.kinds import KINDS
from keyturn.model.change import MISSING, Action, Change, FieldChange, SecretChange, SecretStatus
from keyturn.model.fields import flatten_tree
from keyturn.model.secret import Secret
from keyturn.operations.apply.context import StaleObject
from keyturn.operations.apply.read_back import read_object
from keyturn.operations.apply.writes import (
    build_update_body,
    build_write_result,
    create_object,
    reject_ignored_write,
    reread_object,
    update_object,
    with_write_time,
)
from keyturn.planning.prediction import merge_fields
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_live_object,
    make_state_entry,
)

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


def creation(secret, address=DB):
    """Return a create of a credential."""
    return Change(
        action=Action.CREATE,
        address=address,
        desired=make_desired(address, CONFIG, secrets={"password": secret}),
    )


def test_create_writes_reads_back_and_records(setup, context, canary):
    """One object, with its ID in the state."""
    done = create_object(creation(canary()), context)
    assert setup.live()["prod-db"]["id"] == done.entry.id == context.ids[DB]
    assert done.entry.observed == flatten_tree({"config": CONFIG})
    assert done.warnings == ()


@pytest.mark.parametrize("fault", ["drop_after", "status_after", "invalid_after"])
def test_a_lost_response_creates_no_duplicate(setup, context, canary, fault):
    """The object is found by name and written again in full."""
    setup.service.add_fault(fault, method="POST", path="/api/credentials")
    done = create_object(creation(canary()), context)
    assert [each["id"] for each in setup.service.read_state()["credentials"]] == [done.entry.id]


def with_virtual_clock(setup, context):
    """Return the context with a client on a virtual clock, and that clock."""
    clock = FakeClock(wall=time.time(), chance=0.5)
    settings = ClientSettings(base_url=setup.service.base_url, api_key=Secret(setup.service.key))
    return replace(
        context, run=replace(context.run, service=Client.open(settings, clock.client_clock()))
    ), clock


@pytest.mark.parametrize("kind", ["status_before", "status_after"])
def test_a_repeated_update_is_delayed_and_counted(setup, context, canary, kind):
    """A PUT that answers 503 follows the general retry policy."""
    context, clock = with_virtual_clock(setup, context)
    with context.run.service:
        change = creation(canary())
        entry = create_object(change, context).entry
        live = read_object(KINDS["credential"], entry.id, context)
        clock.naps.clear()
        setup.service.add_fault(kind, method="PUT", path="/api/credentials/*", status=503, times=2)
        update_object(replace(change, action=Action.UPDATE, entry=entry, live=live), context)
        assert clock.naps == [0.25, 0.5]
        assert context.run.service.request_stats.retries == 2


def test_a_repeated_create_is_counted(setup, context, canary):
    """The lists show that nothing was created; then the create is sent again."""
    context, clock = with_virtual_clock(setup, context)
    with context.run.service:
        setup.service.add_fault("drop_before", method="POST", path="/api/credentials")
        create_object(creation(canary()), context)
        assert clock.naps == [0.25]
        assert context.run.service.request_stats.retries == 1


def test_an_edited_object_is_not_updated(setup, context, canary):
    """The object was edited after the plan."""
    change = creation(canary())
    entry = create_object(change, context).entry
    live = read_object(KINDS["credential"], entry.id, context)
    setup.service.set_clock(advance=5)
    setup.service.edit_in_ui("credentials", "prod-db", config={"username": "eve"})
    before = setup.count_writes()
    with pytest.raises(StaleObject, match=r"config\.username"):
        update_object(replace(change, action=Action.UPDATE, entry=entry, live=live), context)
    assert setup.count_writes() == before


def test_a_deleted_object_is_stale(context):
    """The message says that it was deleted."""
    live = make_live_object(make_state_entry(make_desired(DB), "cred_missing"))
    with pytest.raises(StaleObject, match="deleted"):
        reread_object(Change(action=Action.UPDATE, address=DB, live=live), KINDS["credential"], context)


def test_update_writes_the_secret(setup, context, canary):
    """The ID stays."""
    change = creation(canary())
    entry = create_object(change, context).entry
    held_before = setup.service.list_held_secrets("salt")
    setup.service.set_clock(advance=5)
    live = read_object(KINDS["credential"], entry.id, context)
    new = replace(change, action=Action.ROTATE, entry=entry, live=live)
    new = replace(new, desired=make_desired(DB, CONFIG, secrets={"password": canary()}))
    done = update_object(new, context)
    assert done.entry.id == entry.id
    assert done.entry.fingerprints != entry.fingerprints
    assert setup.service.list_held_secrets("salt") != held_before


@pytest.mark.parametrize(
    ("unmanaged", "managed", "expected"),
    [
        ({("a",): 1}, {("b",): 2}, {("a",): 1, ("b",): 2}),
        ({("a",): 1}, {("a",): 2}, {("a",): 2}),
        ({("a", "b"): 1, ("a", "c"): 2}, {("a", "b"): 3}, {("a", "b"): 3, ("a", "c"): 2}),
        ({("a", "b"): 1}, {("a",): 2}, {("a",): 2}),
        ({("a",): 1}, {("a", "b"): 2}, {("a", "b"): 2}),
        ({}, {("a",): 1}, {("a",): 1}),
    ],
)
def test_managed_fields_win(unmanaged, managed, expected):
    """A managed path replaces an unmanaged one above, at or below it."""
    assert merge_fields(unmanaged, managed) == expected


def test_a_connection_keeps_unmanaged_fields(context):
    """Except those that were removed from the manifest."""
    desired = make_desired(PG, {"host": "h"})
    now = make_live_object(
        make_state_entry(desired, "id1"),
        fields=flatten_tree({"config": {"host": "x", "theirs": 1, "dropped": 2}}),
    )
    gone = FieldChange(("config", "dropped"), 2, 2, MISSING)
    body = build_update_body(
        Change(action=Action.UPDATE, address=PG, desired=desired, live=now, fields=(gone,)), now, context
    )
    assert body["config"] == {"host": "h", "theirs": 1}


def test_a_mask_is_not_written_back(context):
    """The mask would become the value."""
    desired = make_desired(PG, {"host": "h"})
    now = make_live_object(make_state_entry(desired, "id1"), secret_like_paths=(("config", "password"),))
    with pytest.raises(StaleObject, match=r"config\.password"):
        build_update_body(Change(action=Action.UPDATE, address=PG, desired=desired, live=now), now, context)


KNOWN = make_state_entry(make_desired(DB), "id1")
LIVE = make_live_object(KNOWN)
HOST = FieldChange(("config", "host"), "db.example.com", "db.example.com", "new.example.com")
ROTATED_SECRET = SecretChange(("password",), SecretStatus.ROTATED)


@pytest.mark.parametrize(
    ("change", "after", "is_ignored"),
    [
        ({"fields": (HOST,)}, {}, True),
        ({"fields": (HOST,)}, {"fields": {("config", "host"): "new.example.com"}}, False),
        ({"fields": (HOST,)}, {"updated_at": "later"}, False),
        ({"secrets": (ROTATED_SECRET,)}, {}, True),
        ({"secrets": (ROTATED_SECRET,)}, {"updated_at": "later"}, False),
        ({"secrets": (ROTATED_SECRET,), "entry": replace(KNOWN, digest="")}, {}, False),
        ({}, {}, False),
    ],
)
def test_an_ignored_write_is_detected(change, after, is_ignored):
    """Neither fields nor time changed although a change was requested."""
    asked = Change(
        **{"action": Action.UPDATE, "address": DB, "desired": make_desired(DB), "entry": KNOWN, **change}
    )
    if is_ignored:
        with pytest.raises(StaleObject, match="changed nothing"):
            reject_ignored_write(asked, LIVE, replace(LIVE, **after))
    else:
        reject_ignored_write(asked, LIVE, replace(LIVE, **after))


def test_a_normalized_field_is_a_warning(context):
    """The state records the stored form, so the next plan shows no drift."""
    back = replace(LIVE, fields={("config", "host"): "DB.EXAMPLE.COM"})
    done = build_write_result(
        Change(action=Action.CREATE, address=DB, desired=make_desired(DB)), back, context
    )
    assert done.warnings == ("the service normalizes config.host",)
    assert done.entry.observed == back.fields


WROTE = "2026-03-01T10:00:00Z"


@pytest.mark.parametrize(
    ("response_time", "live_time", "expected"),
    [
        (WROTE, WROTE, WROTE),
        (WROTE, "2026-03-01T10:00:07Z", WROTE),
        (WROTE, "2026-03-01T10:00:00.25Z", "2026-03-01T10:00:00.25Z"),
        ("2026-03-01T11:00:00.000+01:00", WROTE, WROTE),
        ("2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00.25Z", WROTE),
        ("", "2026-03-01T10:00:07Z", "2026-03-01T10:00:07Z"),
    ],
    ids=["same", "later", "more precise", "another form", "later in the same second", "missing"],
)
def test_the_state_records_the_time_of_our_own_write(response_time, live_time, expected):
    """A later time belongs to an edit by somebody else."""
    answer = ApiRecord(id="id1", name="prod-db", type="database", updated_at=response_time)
    assert with_write_time(answer, replace(LIVE, updated_at=live_time)).updated_at == expected
    assert with_write_time(None, replace(LIVE, updated_at=live_time)).updated_at == live_time


def test_a_secret_edited_right_after_our_write_is_suspect(setup, canary):
    """Only `updated_at` shows the edit; the next plan reports it."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    setup.repo.credential("prod-db", {"password": canary()})
    edit = {"collection": "credentials", "name": "prod-db", "change": {"config": {"password": canary()}}}
    setup.service.add_fault("edit_after", method="PUT", path="/api/credentials/*", edit=edit)
    assert setup.run("apply", "--yes").code == 0
    assert "KT464" in setup.run("plan").stdout


def test_a_kept_secret_prevents_a_full_write(context):
    """A rename would also drop the secret; the user decides with `put: partial`."""
    desired = make_desired(DB, CONFIG, kept_secrets=(("password",),))
    change = Change(action=Action.RENAME, address=DB, desired=desired, live=LIVE)
    with pytest.raises(StaleObject, match="put: partial"):
        build_update_body(change, LIVE, context)


def test_a_secret_is_written_again_if_the_time_did_not_change(setup, canary):
    """The service ignores the first PUT."""
    config = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
    setup.service.seed_objects(credentials=[{"name": "prod-db", "type": "database", "config": config}])
    setup.repo.credential("prod-db", {"password": canary()}, config)
    setup.service.add_fault("ignore", method="PUT", path="/api/credentials/*")
    done = setup.run("apply", "--yes", "--adopt", "prod-db")
    assert done.code == 0
    assert "no sign" not in done.stdout
    (held,) = setup.service.list_held_secrets("s")
    assert set(held["secrets"]) == {"password"}


def test_an_existing_object_in_a_create_response_is_not_adopted(setup, canary):
    """The response to a create names an unmanaged object, which stays unchanged."""
    theirs = {"id": "cred_theirs", "name": "theirs", "type": "database", "config": CONFIG}
    setup.service.seed_objects(credentials=[theirs])
    (before,) = setup.service.read_state()["credentials"]
    setup.repo.credential("prod-db", {"password": canary()}, CONFIG)
    setup.service.add_fault("body_after", method="POST", path="/api/credentials", body=json.dumps(theirs))
    first = setup.run("apply", "--yes")
    assert first.code == 4
    assert "a different object" in first.stdout
    setup.service.set_clock(advance=60)
    assert setup.run("apply", "--yes").code == 0
    assert setup.run("plan", "--detailed-exitcode").code == 0
    after = {each["name"]: each for each in setup.service.read_state()["credentials"]}
    assert set(after) == {"theirs", "prod-db"}
    assert after["theirs"] == before
