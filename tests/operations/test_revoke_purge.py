"""Purge of a retired credential."""

import pytest
from msgspec.structs import replace

from keyturn.client.errors import ServiceError
from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.revoke import purge_retired
from keyturn.state.events import OutcomeRecorded, RunFinished, RunStarted
from keyturn.state.journal_record import read_journal_records
from keyturn.state.lock import LockHeld, LockHolder, acquire_lock


@pytest.fixture
def applied_setup(setup, canary):
    """Return a setup with an applied credential."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.credential("prod-other", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    return setup


@pytest.mark.parametrize(("name", "said"), [("prod-db", "is not retired"), ("nobody", "is not in the state")])
def test_only_a_retired_credential_is_purged(applied_setup, begin, name, said):
    """Other credentials stay."""
    with pytest.raises(DiagnosticError) as caught:
        purge_retired(begin(), name)
    assert said in caught.value.diagnostics[0].message
    assert len(applied_setup.service.read_state()["credentials"]) == 2


def test_purge_removes_object_and_tombstone(applied_setup, begin):
    """The lock is released."""
    applied_setup.repo.remove("prod-db")
    assert applied_setup.run("apply", "--yes").code == 0
    assert purge_retired(begin(), "prod-db").address.name == "prod-db"
    assert [each["name"] for each in applied_setup.service.read_state()["credentials"]] == ["prod-other"]
    with pytest.raises(DiagnosticError):
        purge_retired(begin(), "prod-db")
    assert applied_setup.run("apply", "--yes").code == 0


def test_a_possible_user_prevents_a_purge(applied_setup, begin):
    """A connection that cannot be decoded may use the credential."""
    applied_setup.repo.remove("prod-db")
    assert applied_setup.run("apply", "--yes").code == 0
    odd = {"id": "conn_odd", "name": "", "type": "postgres", "config": {}}
    applied_setup.service.seed_objects(connections=[odd])
    with pytest.raises(DiagnosticError) as caught:
        purge_retired(begin(), "prod-db")
    assert "may still be used: row 1 of connections" in caught.value.diagnostics[0].message
    assert len(applied_setup.service.read_state()["credentials"]) == 2


@pytest.mark.usefixtures("applied_setup")
def test_purge_requires_the_lock(begin):
    """Another run holds it."""
    run = begin()
    acquire_lock(run.store, LockHolder(id="x", who="ada", host="elsewhere"), run.clock)
    with pytest.raises(LockHeld):
        purge_retired(replace(run), "prod-db")


@pytest.mark.parametrize(
    ("status", "ending", "end"), [(0, OutcomeStatus.DONE, "ended"), (403, OutcomeStatus.FAILED, "failed")]
)
def test_the_journal_names_the_actor(applied_setup, begin, status, ending, end):
    """A rejected request is recorded, too."""
    applied_setup.repo.remove("prod-db")
    assert applied_setup.run("apply", "--yes").code == 0
    run = begin()
    before = len(list(read_journal_records(run.store.open_log().read(0))))
    if status:
        applied_setup.service.add_fault("status_before", method="DELETE", status=status)
        with pytest.raises(ServiceError):
            purge_retired(run, "prod-db")
    else:
        purge_retired(run, "prod-db")
    events = [record.event for record in read_journal_records(run.store.open_log().read(0))][before:]
    (started,) = [each for each in events if isinstance(each, RunStarted)]
    assert (started.command, started.who, started.host) == ("purge", run.actor.who, run.actor.host)
    assert [each.outcome_status for each in events if isinstance(each, OutcomeRecorded)] == [ending]
    assert [(each.run, each.run_status) for each in events if isinstance(each, RunFinished)] == [
        (started.run, end)
    ]
