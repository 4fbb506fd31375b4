"""Parallel execution in dependency order."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action, Change, OutcomeStatus
from keyturn.operations.apply.executor import ACTION_HANDLERS, execute_changes, perform_change
from keyturn.operations.progress import ProgressListener
from sample_resources import connection_address, credential_address, make_desired

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
WHERE = {"host": "db.example.com", "port": 5432, "database": "app"}


class RecordingListener(ProgressListener):
    """Records events."""

    def __init__(self):
        """Start without events."""
        self.started, self.finished = [], []

    def start_change(self, change):
        """Record the name."""
        self.started.append(change.address.name)

    def finish_change(self, outcome):
        """Record the status."""
        self.finished.append(outcome.outcome_status)


@pytest.fixture
def changes(canary):
    """Return creates of a credential, a connection that depends on it, and an independent credential."""
    make = {"action": Action.CREATE}
    other = credential_address("prod-other")
    return (
        Change(**make, address=PG, desired=make_desired(PG, WHERE, uses="prod-db"), depends_on=(DB,)),
        Change(**make, address=DB, desired=make_desired(DB, CONFIG, secrets={"password": canary()})),
        Change(**make, address=other, desired=make_desired(other, CONFIG, secrets={"password": canary()})),
        Change(action=Action.NO_OP, address=credential_address("note")),
    )


def statuses(result):
    """Return the outcome status of each change by name."""
    return {outcome.address.name: outcome.outcome_status for outcome in result.outcomes}


def test_dependencies_run_first(setup, context, changes):
    """The connection gets the ID of the new credential; NO_OP changes are not performed."""
    listener = RecordingListener()
    result = execute_changes(changes, context, listener, 4)
    assert set(statuses(result).values()) == {OutcomeStatus.DONE}
    assert listener.started.index("prod-db") < listener.started.index("prod-pg")
    assert len(listener.finished) == 3
    assert setup.live("connections")["prod-pg"]["credentialId"] == setup.live()["prod-db"]["id"]


def test_a_failure_blocks_only_its_dependents(setup, context, changes):
    """An independent change is done; a blocked change names the failed one."""
    setup.service.add_fault("status_before", method="POST", path="/api/credentials", status=422)
    result = execute_changes(changes, context, RecordingListener(), 1)
    assert statuses(result) == {
        "prod-pg": OutcomeStatus.BLOCKED,
        "prod-db": OutcomeStatus.FAILED,
        "prod-other": OutcomeStatus.DONE,
    }
    blocked = next(each for each in result.outcomes if each.outcome_status is OutcomeStatus.BLOCKED)
    assert blocked.message == "depends on credential/prod-db, which failed"
    assert blocked.waits_for == (DB,)


def test_a_rejected_key_stops_the_run(setup, context, changes):
    """No further change starts."""
    setup.service.revoke_key(setup.repo.key)
    result = execute_changes(changes, context, RecordingListener(), 1)
    assert result.unauthorized
    assert sorted(each.value for each in statuses(result).values()) == ["blocked", "blocked", "failed"]


def test_nothing_is_written_if_writes_are_stopped(setup, context, changes):
    """A lost lock or an interrupt."""
    result = execute_changes(changes, replace(context, may_write=lambda: False), RecordingListener(), 4)
    assert result.stopped
    assert OutcomeStatus.DONE not in statuses(result).values()
    assert setup.count_writes() == 0


def test_a_queued_request_is_withheld_after_a_stop(setup, context, changes):
    """An interrupt between intent and request: nothing is sent, and the intent is closed."""
    with context.run.service.limited_concurrency(2, lambda: False):
        result = execute_changes(changes, context, RecordingListener(), 4)
    assert result.stopped
    assert set(statuses(result).values()) == {OutcomeStatus.BLOCKED}
    assert setup.count_writes() == 0
    assert context.journal.current_state().open_intents == ()


def test_every_action_has_a_handler():
    """All actions except NO_OP."""
    assert set(ACTION_HANDLERS) == set(Action) - {Action.NO_OP}


def test_a_lost_response_is_unknown(setup, context, changes):
    """The hint says that the next run checks the outcome."""
    setup.service.add_fault("drop_before", method="POST", path="/api/credentials", times=0)
    outcome = perform_change(changes[1], context)
    assert outcome.outcome_status is OutcomeStatus.UNKNOWN
    assert "keyturn apply` again" in outcome.hint
