"""Retire, restore, replace and forget."""

import pytest
from msgspec.structs import replace

from keyturn.kinds import KINDS
from keyturn.model.change import Action, Change
from keyturn.operations.apply.context import StaleObject
from keyturn.operations.apply.lifecycle import (
    build_pending_retirements,
    forget_entry,
    replace_object,
    restore_object,
    retire_object,
)
from keyturn.operations.apply.read_back import read_object
from keyturn.operations.apply.writes import create_object
from keyturn.state.events import OutcomeRecorded
from keyturn.state.journal_record import read_journal_records as records
from sample_resources import credential_address, make_desired, make_state_entry

DB = credential_address("prod-db")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


@pytest.fixture
def created(context, canary):
    """Return the create of a credential, with its entry, after it was performed."""
    desired = make_desired(DB, CONFIG, secrets={"password": canary()})
    change = Change(action=Action.CREATE, address=DB, desired=desired)
    return replace(change, entry=create_object(change, context).entry)


def with_live(change, context, action):
    """Return the change with another action and the current live object."""
    return replace(change, action=action, live=read_object(KINDS["credential"], change.entry.id, context))


def test_retire_keeps_a_tombstone(setup, context, created):
    """The service no longer lists the object; the state has a tombstone."""
    done = retire_object(with_live(created, context, Action.RETIRE), context)
    assert setup.live() == {}
    assert done.entry.retired_at
    assert not done.entry.protect


def test_a_used_credential_is_not_retired(setup, context, created):
    """A connection was created in the UI after the plan."""
    fields = {"name": "ui", "type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}}
    setup.service.seed_objects(connections=[{**fields, "credentialId": created.entry.id}])
    with pytest.raises(StaleObject, match="connection/ui"):
        retire_object(with_live(created, context, Action.RETIRE), context)
    assert set(setup.live()) == {"prod-db"}


def test_restore_writes_the_manifest(setup, context, created, canary):
    """The same object with the current secret, not with the one it was deleted with."""
    tombstone = retire_object(with_live(created, context, Action.RETIRE), context).entry
    before = setup.service.list_held_secrets("salt")
    setup.service.set_clock(advance=5)
    again = replace(
        created, entry=tombstone, desired=make_desired(DB, CONFIG, secrets={"password": canary()})
    )
    done = restore_object(with_live(again, context, Action.RESTORE), context)
    assert setup.live()["prod-db"]["id"] == done.entry.id == tombstone.id
    assert done.entry.retired_at == ""
    assert setup.service.list_held_secrets("salt") != before


@pytest.mark.parametrize("setup", [{"list_deleted": True, "deleted_get": 404}], indirect=True)
def test_a_deleted_object_that_is_only_listed_is_restored(setup, canary):
    """The list shows it as deleted; a read of it answers 404."""
    secret = canary()
    setup.repo.credential("prod-db", {"password": secret})
    setup.repo.credential("prod-other", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    identity = setup.live()["prod-db"]["id"]
    setup.repo.remove("prod-db")
    assert setup.run("apply", "--yes").code == 0
    setup.repo.credential("prod-db", {"password": secret})
    done = setup.run("apply", "--yes")
    assert done.code == 0, done.stdout + done.stderr
    assert setup.live()["prod-db"]["id"] == identity


def test_replace_creates_a_new_object_under_the_name(setup, context, created):
    """The old object has another name and is pending retirement."""
    context.entries[created.entry.id] = created.entry
    done = replace_object(with_live(created, context, Action.REPLACE), context)
    assert done.entry.id != created.entry.id
    aside = next(name for name in setup.live() if name != "prod-db")
    assert context.entries[created.entry.id].address.name == aside
    assert context.entries[created.entry.id].is_predecessor
    (tail,) = build_pending_retirements(context.entries.values(), (), context)
    assert (tail.action, tail.live.id) == (Action.RETIRE, created.entry.id)


def test_forget_sends_no_request(setup, context):
    """The entry is removed from the state."""
    before = len(setup.service.list_requests())
    known = make_state_entry(make_desired(DB), "id1")
    assert forget_entry(Change(action=Action.FORGET, address=DB, entry=known), context).entry == known
    events = [record.event for record in records(context.run.store.open_log().read(0))]
    assert [each.removed for each in events if isinstance(each, OutcomeRecorded)] == [(DB,)]
    assert len(setup.service.list_requests()) == before


@pytest.mark.parametrize("name", ["prod-next-gen", "prod-retiring-staff"])
@pytest.mark.parametrize("protect", [True, False], ids=["protected", "plain"])
def test_a_declared_or_protected_object_is_never_pending_retirement(setup, canary, name, protect):
    """The name of a user's object may contain any word; a second apply without changes keeps the object."""
    setup.repo.credential(name, {"password": canary()}, lifecycle={"protect": protect})
    assert setup.run("apply", "--yes").code == 0
    identity = setup.live()[name]["id"]
    assert setup.run("apply", "--yes").code == 0
    assert setup.live()[name]["id"] == identity
    assert setup.live()[name]["status"] != "deleted"
