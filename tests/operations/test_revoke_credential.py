"""Revocation of a live credential."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError, storage_error
from keyturn.operations.revoke import find_credential, revoke_credential
from keyturn.state.events import Intent, OutcomeRecorded, RunFinished, RunStarted
from keyturn.state.journal_record import read_journal_records
from keyturn.state.lock import LockHolder, acquire_lock, read_held_lock
from keyturn.state.reader import load_state


@pytest.fixture
def used(setup):
    """Create an unmanaged credential with two connections in the service."""
    (db,) = setup.service.seed_objects(credentials=[{"name": "db", "type": "database", "config": {}}])[
        "credentials"
    ]
    where = {"type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}, "credentialId": db}
    setup.service.seed_objects(connections=[{"name": name, **where} for name in ("one", "two")])
    return setup


def test_the_name_must_match_exactly(used, run):
    """A similar name raises KT470."""
    assert find_credential(run.service, "db").address.name == "db"
    for name in ("d", "DB", "db2"):
        with pytest.raises(DiagnosticError) as caught:
            find_credential(run.service, name)
        assert caught.value.diagnostics[0].code == "KT470"
    assert used.live()


def test_revoke_detaches_and_deletes(used, run):
    """The settings of the connections stay."""
    done = revoke_credential(run.service, find_credential(run.service, "db"), lambda: run)
    assert done.is_complete
    assert done.unrecorded == ""
    assert [step.action for step in done.steps] == ["detach", "detach", "soft-delete"]
    assert used.live() == {}
    for each in used.live("connections").values():
        assert not each.get("credentialId")
        assert each["config"]["host"] == "h"


def test_an_unusable_row_makes_the_users_partial(used, run):
    """The revocation goes on, and names the row."""
    used.service.seed_objects(connections=[{"id": "conn_odd", "name": "", "type": "postgres", "config": {}}])
    done = revoke_credential(run.service, find_credential(run.service, "db"), lambda: run)
    assert done.is_complete
    assert [str(each) for each in done.unusable_rows] == [
        "row 3 of connections cannot be used: an object without a name"
    ]


@pytest.mark.usefixtures("used")
def test_a_credential_in_an_unusable_row_is_explained(setup, run):
    """Its name is found, but it has no usable ID."""
    setup.service.seed_objects(credentials=[{"id": "..", "name": "dots", "type": "database", "config": {}}])
    with pytest.raises(DiagnosticError) as caught:
        find_credential(run.service, "dots")
    assert "no live credential dots: row 1 of credentials" in caught.value.diagnostics[0].message
    assert find_credential(run.service, "db").address.name == "db"


def test_revoke_continues_after_a_failed_step(used, run):
    """The failed step is in the result."""
    used.service.add_fault("status_before", method="PUT", path="/api/connections/*", status=422)
    done = revoke_credential(run.service, find_credential(run.service, "db"), lambda: run)
    assert not done.is_complete
    assert [bool(step.error) for step in done.steps].count(True) >= 1
    assert len(done.steps) == 3


def journaled(run):
    """Return the events of the journal, without that of the compaction."""
    return [record.event for record in read_journal_records(run.store.open_log().read(0))][:-1]


def test_each_step_has_intent_and_outcome(used, run):
    """The journal names the actor; no state entry changes."""
    used.service.add_fault("status_before", method="PUT", path="/api/connections/*", status=422)
    revoke_credential(run.service, find_credential(run.service, "db"), lambda: run)
    started, *steps, ended = journaled(run)
    assert isinstance(started, RunStarted)
    assert (started.command, started.who, started.host) == ("revoke", run.actor.who, run.actor.host)
    intents = {each.id: each.operation for each in steps if isinstance(each, Intent)}
    assert sorted(intents.values()) == ["detach", "detach", "soft-delete"]
    ends = [each for each in steps if isinstance(each, OutcomeRecorded)]
    assert {each.intent for each in ends} == intents.keys()
    assert sorted(each.outcome_status.value for each in ends) == ["done", "done", "failed"]
    assert ended == RunFinished(started.run, "ended", {"done": 2, "failed": 1})
    state = load_state(run.store, run.workspace.name, run.workspace.organization).state
    assert (state.entries, state.open_intents) == ({}, ())
    assert read_held_lock(run.store) is None


def test_an_unknown_outcome_is_recorded(used, run):
    """The intent stays open."""
    used.service.add_fault("status_after", method="DELETE", path="/api/credentials/*", status=500, times=0)
    done = revoke_credential(run.service, find_credential(run.service, "db"), lambda: run)
    assert not done.is_complete
    (end,) = [
        each
        for each in journaled(run)
        if isinstance(each, OutcomeRecorded) and each.outcome_status is OutcomeStatus.UNKNOWN
    ]
    assert end.address.kind == "credential"


def test_revoke_continues_without_the_lock(used, run):
    """The result says that nothing was recorded."""
    acquire_lock(run.store, LockHolder(id="x", who="ada", host="elsewhere"), run.clock)
    done = revoke_credential(run.service, find_credential(run.service, "db"), lambda: run)
    assert done.is_complete
    assert "ada on elsewhere holds the lock" in done.unrecorded
    assert used.live() == {}
    assert list(read_journal_records(run.store.open_log().read(0))) == []
    assert read_held_lock(run.store).holder.who == "ada"


def test_revoke_continues_without_a_run(used, run):
    """The state store cannot be reached."""

    def refuse():
        raise storage_error("KT604", "s3://b", "the state's bucket cannot be reached", "")

    done = revoke_credential(run.service, find_credential(run.service, "db"), refuse)
    assert (done.is_complete, done.unrecorded) == (True, "the state's bucket cannot be reached")
    assert used.live() == {}


class FullStore:
    """A store whose disk is full after a number of journal lines."""

    def __init__(self, store, lines):
        """Allow a number of lines."""
        self.store, self.left = store, lines

    def __getattr__(self, name):
        """Delegate to the store."""
        return getattr(self.store, name)

    def open_log(self):
        """Return a log that counts lines."""
        log = self.store.open_log()
        append = log.append

        def counted(first, lines):
            self.left -= len(lines)
            if self.left < 0:
                raise storage_error("KT625", "file:x", "no space left", "")
            return append(first, lines)

        log.append = counted
        return log


@pytest.mark.parametrize("lines", range(9))
def test_revoke_continues_if_the_journal_fails(used, run, lines):
    """Every step is done once, wherever the journal fails."""
    full = replace(run, store=FullStore(run.store, lines))
    before = used.count_writes()
    done = revoke_credential(run.service, find_credential(run.service, "db"), lambda: full)
    assert done.is_complete
    assert len(done.steps) == 3
    assert used.count_writes() == before + 3
    assert done.unrecorded == "no space left"
