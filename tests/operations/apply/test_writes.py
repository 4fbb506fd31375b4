"""One change: re-read, intend, write, read back, record."""

import json
import time

import pytest
from msgspec.structs import replace

from breaking import Clock
from keyturn.client.client import Client, ClientSettings
from keyturn.client.records import ApiRecord
from keyturn.kinds import KINDS
from keyturn.model.change import MISSING, Action, Change, FieldChange, SecretChange, SecretStatus
from keyturn.model.fields import flatten_tree
from keyturn.model.secret import Secret
from keyturn.operations.apply.context import StaleObject
from keyturn.operations.apply.writes import (
    build_update_body,
    build_write_result,
    create_object,
    merge_fields,
    read_object,
    reject_ignored_write,
    reread_object,
    update_object,
    with_write_time,
)
from making import connection, credential, held, shown, wanted

DB, PG = credential("prod-db"), connection("prod-pg")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


def creation(secret, address=DB):
    """Return the creation of a credential."""
    return Change(
        action=Action.CREATE, address=address, desired=wanted(address, CONFIG, secrets={"password": secret})
    )


def test_create_writes_reads_back_and_records(office, desk, canary):
    """One object, its id in the state."""
    done = create_object(creation(canary()), desk)
    assert office.live()["prod-db"]["id"] == done.entry.id == desk.ids[DB]
    assert done.entry.observed == flatten_tree({"config": CONFIG})
    assert done.warnings == ()


@pytest.mark.parametrize("fault", ["drop_after", "status_after", "invalid_after"])
def test_a_lost_answer_makes_no_twin(office, desk, canary, fault):
    """What was made is found by its name, and written once more in full."""
    office.service.add_fault(fault, method="POST", path="/api/credentials")
    done = create_object(creation(canary()), desk)
    assert [each["id"] for each in office.service.read_state()["credentials"]] == [done.entry.id]


def patient(office, desk):
    """Return the desk with a client whose waits are counted and not waited for, and their clock."""
    clock = Clock(wall=time.time(), chance=0.5)
    settings = ClientSettings(base_url=office.service.base_url, api_key=Secret(office.service.key))
    return replace(desk, run=replace(desk.run, service=Client.open(settings, clock.tempo()))), clock


@pytest.mark.parametrize("kind", ["status_before", "status_after"])
def test_a_repeated_update_backs_off_and_is_counted(office, desk, canary, kind):
    """A 503 to a PUT is met by the policy of every request: backoff, budget and honest figures."""
    desk, clock = patient(office, desk)
    with desk.run.service:
        change = creation(canary())
        entry = create_object(change, desk).entry
        live = read_object(KINDS["credential"], entry.id, desk)
        clock.naps.clear()
        office.service.add_fault(kind, method="PUT", path="/api/credentials/*", status=503, times=2)
        update_object(replace(change, action=Action.UPDATE, entry=entry, live=live), desk)
        assert clock.naps == [0.25, 0.5]
        assert desk.run.service.request_stats.retries == 2


def test_a_repeated_create_is_counted(office, desk, canary):
    """Nothing was made, which the lists show; then the create is sent once more, by the same policy."""
    desk, clock = patient(office, desk)
    with desk.run.service:
        office.service.add_fault("drop_before", method="POST", path="/api/credentials")
        create_object(creation(canary()), desk)
        assert clock.naps == [0.25]
        assert desk.run.service.request_stats.retries == 1


def test_update_is_refused_for_what_moved(office, desk, canary):
    """Somebody edited it since the plan: nothing is written over."""
    change = creation(canary())
    entry = create_object(change, desk).entry
    live = read_object(KINDS["credential"], entry.id, desk)
    office.service.set_clock(advance=5)
    office.service.edit_in_ui("credentials", "prod-db", config={"username": "eve"})
    before = office.writes()
    with pytest.raises(StaleObject, match=r"config\.username"):
        update_object(replace(change, action=Action.UPDATE, entry=entry, live=live), desk)
    assert office.writes() == before


def test_an_object_that_is_gone_is_stale(desk):
    """It is said."""
    live = shown(held(wanted(DB), "nobody"))
    with pytest.raises(StaleObject, match="gone"):
        reread_object(Change(action=Action.UPDATE, address=DB, live=live), KINDS["credential"], desk)


def test_update_writes_the_secret(office, desk, canary):
    """The same id, another secret."""
    change = creation(canary())
    entry = create_object(change, desk).entry
    held_before = office.service.list_held_secrets("salt")
    office.service.set_clock(advance=5)
    live = read_object(KINDS["credential"], entry.id, desk)
    new = replace(change, action=Action.ROTATE, entry=entry, live=live)
    new = replace(new, desired=wanted(DB, CONFIG, secrets={"password": canary()}))
    done = update_object(new, desk)
    assert done.entry.id == entry.id
    assert done.entry.fingerprints != entry.fingerprints
    assert office.service.list_held_secrets("salt") != held_before


@pytest.mark.parametrize(
    ("others", "ours", "expected"),
    [
        ({("a",): 1}, {("b",): 2}, {("a",): 1, ("b",): 2}),
        ({("a",): 1}, {("a",): 2}, {("a",): 2}),
        ({("a", "b"): 1, ("a", "c"): 2}, {("a", "b"): 3}, {("a", "b"): 3, ("a", "c"): 2}),
        ({("a", "b"): 1}, {("a",): 2}, {("a",): 2}),
        ({("a",): 1}, {("a", "b"): 2}, {("a", "b"): 2}),
        ({}, {("a",): 1}, {("a",): 1}),
    ],
)
def test_merge(others, ours, expected):
    """Ours win, and take the place of what stood above or below."""
    assert merge_fields(others, ours) == expected


def test_a_connection_keeps_what_others_own(desk):
    """All but what git dropped."""
    desired = wanted(PG, {"host": "h"})
    now = shown(
        held(desired, "id1"), fields=flatten_tree({"config": {"host": "x", "theirs": 1, "dropped": 2}})
    )
    gone = FieldChange(("config", "dropped"), 2, 2, MISSING)
    body = build_update_body(
        Change(action=Action.UPDATE, address=PG, desired=desired, live=now, fields=(gone,)), now, desk
    )
    assert body["config"] == {"host": "h", "theirs": 1}


def test_a_mask_is_not_written_back(desk):
    """It would become the value."""
    desired = wanted(PG, {"host": "h"})
    now = shown(held(desired, "id1"), secret_like_paths=(("config", "password"),))
    with pytest.raises(StaleObject, match=r"config\.password"):
        build_update_body(Change(action=Action.UPDATE, address=PG, desired=desired, live=now), now, desk)


KNOWN = held(wanted(DB), "id1")
LIVE = shown(KNOWN)
HOST = FieldChange(("config", "host"), "db.example.com", "db.example.com", "new.example.com")
TURNED = SecretChange(("password",), SecretStatus.ROTATED)


@pytest.mark.parametrize(
    ("change", "back", "silent"),
    [
        ({"fields": (HOST,)}, {}, True),
        ({"fields": (HOST,)}, {"fields": {("config", "host"): "new.example.com"}}, False),
        ({"fields": (HOST,)}, {"updated_at": "later"}, False),
        ({"secrets": (TURNED,)}, {}, True),
        ({"secrets": (TURNED,)}, {"updated_at": "later"}, False),
        ({"secrets": (TURNED,), "entry": replace(KNOWN, digest="")}, {}, False),
        ({}, {}, False),
    ],
)
def test_a_yes_that_changed_nothing_is_no_yes(change, back, silent):
    """Neither field nor time moved although something was asked."""
    asked = Change(
        **{"action": Action.UPDATE, "address": DB, "desired": wanted(DB), "entry": KNOWN, **change}
    )
    if silent:
        with pytest.raises(StaleObject, match="changed nothing"):
            reject_ignored_write(asked, LIVE, replace(LIVE, **back))
    else:
        reject_ignored_write(asked, LIVE, replace(LIVE, **back))


def test_a_form_of_its_own_is_a_warning(desk):
    """What the service keeps differently is said, and no drift afterwards."""
    back = replace(LIVE, fields={("config", "host"): "DB.EXAMPLE.COM"})
    done = build_write_result(Change(action=Action.CREATE, address=DB, desired=wanted(DB)), back, desk)
    assert done.warnings == ("the service keeps config.host in a form of its own",)
    assert done.entry.observed == back.fields


WROTE = "2026-03-01T10:00:00Z"


@pytest.mark.parametrize(
    ("told", "shown", "held"),
    [
        (WROTE, WROTE, WROTE),
        (WROTE, "2026-03-01T10:00:07Z", WROTE),
        (WROTE, "2026-03-01T10:00:00.250Z", "2026-03-01T10:00:00.250Z"),
        ("", "2026-03-01T10:00:07Z", "2026-03-01T10:00:07Z"),
    ],
    ids=["ours", "somebody else's", "more exact", "not told"],
)
def test_the_time_of_a_write_is_that_of_its_answer(told, shown, held):
    """What is read back may be of somebody who wrote right after us; the state holds our own time."""
    answer = ApiRecord(id="id1", name="prod-db", type="database", updated_at=told)
    assert with_write_time(answer, replace(LIVE, updated_at=shown)).updated_at == held
    assert with_write_time(None, replace(LIVE, updated_at=shown)).updated_at == shown


def test_a_secret_that_is_set_by_hand_right_after_ours_is_suspect(office, canary):
    """Between our write and our look: nothing shows it but the time, and the next plan says so."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    office.repo.credential("prod-db", {"password": canary()})
    edit = {"collection": "credentials", "name": "prod-db", "change": {"config": {"password": canary()}}}
    office.service.add_fault("edit_after", method="PUT", path="/api/credentials/*", edit=edit)
    assert office.here("apply", "--yes").code == 0
    assert "KT464" in office.here("plan").stdout


def test_what_is_kept_live_cannot_be_written_in_full(desk):
    """A rename, too, would send an object without its secret: the user says whether that is safe."""
    desired = wanted(DB, CONFIG, kept_secrets=(("password",),))
    change = Change(action=Action.RENAME, address=DB, desired=desired, live=LIVE)
    with pytest.raises(StaleObject, match="put: partial"):
        build_update_body(change, LIVE, desk)


def test_a_secret_of_whose_writing_there_is_no_sign_is_written_again(office, canary):
    """The service says yes and does nothing, once: what it holds in the end is what git says."""
    config = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
    office.service.seed_objects(credentials=[{"name": "prod-db", "type": "database", "config": config}])
    office.repo.credential("prod-db", {"password": canary()}, config)
    office.service.add_fault("ignore", method="PUT", path="/api/credentials/*")
    done = office.here("apply", "--yes", "--adopt", "prod-db")
    assert done.code == 0
    assert "no sign" not in done.stdout
    (held,) = office.service.list_held_secrets("s")
    assert set(held["secrets"]) == {"password"}


def test_an_object_that_was_there_before_is_not_what_was_made(office, canary):
    """The answer to a create names somebody else's object: nothing of it is taken over or touched."""
    theirs = {"id": "cred_theirs", "name": "theirs", "type": "database", "config": CONFIG}
    office.service.seed_objects(credentials=[theirs])
    (before,) = office.service.read_state()["credentials"]
    office.repo.credential("prod-db", {"password": canary()}, CONFIG)
    office.service.add_fault("body_after", method="POST", path="/api/credentials", body=json.dumps(theirs))
    first = office.here("apply", "--yes")
    assert first.code == 4
    assert "another object" in first.stdout
    office.service.set_clock(advance=60)
    assert office.here("apply", "--yes").code == 0
    assert office.here("plan", "--detailed-exitcode").code == 0
    after = {each["name"]: each for each in office.service.read_state()["credentials"]}
    assert set(after) == {"theirs", "prod-db"}
    assert after["theirs"] == before
