"""How objects go and come back."""

import pytest
from msgspec.structs import replace

from keyturn.kinds import KINDS
from keyturn.model.change import Action, Change
from keyturn.operations.apply.context import StaleObject
from keyturn.operations.apply.lifecycle import (
    RETIRING_INFIX,
    forget_entry,
    pending_retirements,
    replace_object,
    restore_object,
    retire_object,
)
from keyturn.operations.apply.writes import create_object, read_object
from keyturn.state.events import OutcomeRecorded
from keyturn.state.journal_record import read_journal_records as records
from making import credential, held, wanted

DB = credential("prod-db")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


@pytest.fixture
def made(desk, canary):
    """Return the creation of a credential that was made, with its entry."""
    desired = wanted(DB, CONFIG, secrets={"password": canary()})
    change = Change(action=Action.CREATE, address=DB, desired=desired)
    return replace(change, entry=create_object(change, desk).entry)


def seen(change, desk, action):
    """Return a change of an object as it is now."""
    return replace(change, action=action, live=read_object(KINDS["credential"], change.entry.id, desk))


def test_retire_leaves_a_tombstone(office, desk, made):
    """Gone from the service's list, kept in ours."""
    done = retire_object(seen(made, desk, Action.RETIRE), desk)
    assert office.live() == {}
    assert done.entry.retired_at
    assert not done.entry.protect


def test_what_is_used_is_not_retired(office, desk, made):
    """A connection that appeared since the plan."""
    fields = {"name": "ui", "type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}}
    office.service.seed_objects(connections=[{**fields, "credentialId": made.entry.id}])
    with pytest.raises(StaleObject, match="connection/ui"):
        retire_object(seen(made, desk, Action.RETIRE), desk)
    assert set(office.live()) == {"prod-db"}


def test_restore_writes_what_git_says(office, desk, made, canary):
    """The same object, with the secret of today and not of the day on which it went."""
    tombstone = retire_object(seen(made, desk, Action.RETIRE), desk).entry
    before = office.service.list_held_secrets("salt")
    office.service.set_clock(advance=5)
    again = replace(made, entry=tombstone, desired=wanted(DB, CONFIG, secrets={"password": canary()}))
    done = restore_object(seen(again, desk, Action.RESTORE), desk)
    assert office.live()["prod-db"]["id"] == done.entry.id == tombstone.id
    assert done.entry.retired_at == ""
    assert office.service.list_held_secrets("salt") != before


@pytest.mark.parametrize("office", [{"list_deleted": True, "deleted_get": 404}], indirect=True)
def test_what_is_in_the_trash_comes_back_even_if_it_is_only_listed(office, canary):
    """The list shows it as deleted, on its own there is none: that is no reason to leave it there."""
    secret = canary()
    office.repo.credential("prod-db", {"password": secret})
    office.repo.credential("prod-other", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    identity = office.live()["prod-db"]["id"]
    office.repo.remove("prod-db")
    assert office.here("apply", "--yes").code == 0
    office.repo.credential("prod-db", {"password": secret})
    done = office.here("apply", "--yes")
    assert done.code == 0, done.stdout + done.stderr
    assert office.live()["prod-db"]["id"] == identity


def test_replace_gives_the_name_to_a_new_object(office, desk, made):
    """The old one stands aside until the end, and is retired then."""
    desk.entries[made.entry.id] = made.entry
    done = replace_object(seen(made, desk, Action.REPLACE), desk)
    assert done.entry.id != made.entry.id
    aside = next(name for name in office.live() if name != "prod-db")
    assert aside.startswith(f"prod-db{RETIRING_INFIX}")
    (tail,) = pending_retirements(desk.entries.values(), desk)
    assert (tail.action, tail.live.id) == (Action.RETIRE, made.entry.id)


def test_forget_sends_nothing(office, desk):
    """The entry goes; the service hears nothing."""
    before = len(office.service.list_requests())
    known = held(wanted(DB), "id1")
    assert forget_entry(Change(action=Action.FORGET, address=DB, entry=known), desk).entry == known
    events = [record.event for record in records(desk.run.store.open_log().read(0))]
    assert [each.removed for each in events if isinstance(each, OutcomeRecorded)] == [(DB,)]
    assert len(office.service.list_requests()) == before
