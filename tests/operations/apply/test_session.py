"""One apply from lock to release."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import OutcomeStatus
from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.apply.session import ApplyOptions, apply_plan, find_refreshed_entries
from keyturn.operations.exclusive_run import PATIENCE
from keyturn.operations.plan.plan import PlanOptions, plan_workspace
from keyturn.state.journal_record import read_journal_records
from keyturn.state.lock import LockHeld, LockHolder, acquire_lock


@pytest.fixture
def ready(office, canary):
    """Return an office with one credential that was not applied."""
    office.repo.credential("prod-db", {"password": canary()})
    return office


def carried(run, decide=lambda _: True, **terms):
    """Carry out an apply."""
    return apply_plan(run, PlanOptions(), ApplyOptions(**terms), decide)


def words(run):
    """Return the journal's events by their class."""
    return [type(record.event).__name__ for record in read_journal_records(run.store.open_log().read(0))]


def test_from_lock_to_release(ready, run):
    """Started, intended, finished, ended; the lock is free again, and nothing is left to do."""
    report = carried(run)
    assert [each.outcome_status for each in report.outcomes] == [OutcomeStatus.DONE]
    assert words(run)[:4] == ["RunStarted", "Intent", "OutcomeRecorded", "RunFinished"]
    assert report.request_stats.total_requests > 0
    assert carried(run).outcomes == ()
    assert ready.live()


def test_no_is_no(ready, run):
    """Nothing sent, nothing recorded, the lock is free."""
    report = carried(run, lambda _: False)
    assert not report.approved
    assert ready.writes() == 0
    assert words(run) == []
    assert carried(run).approved


def test_a_blocked_plan_is_refused_whoever_agrees(ready, run, begin):
    """A guard is no advice: a secret does not follow a host because some program says yes to all."""
    assert carried(run).approved
    before = ready.writes()
    file = ready.repo.root / "manifests/prod/connections/prod-pg.yaml"
    ready.repo.connection("prod-pg", "prod-db")
    assert carried(begin()).approved
    file.write_text(file.read_text().replace("db.example.com", "db.example.net"))
    writes = ready.writes()
    assert writes > before
    with pytest.raises(DiagnosticError) as caught:
        carried(begin())
    assert {each.code for each in caught.value.diagnostics} == {"KT451"}
    assert ready.writes() == writes
    assert carried(begin(), lambda _: False).approved is False


def test_what_goes_wrong_before_the_first_write_frees_the_lock(ready, run):
    """An exception of whoever decides."""

    def refuse(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried(run, refuse)
    assert carried(run).approved
    assert ready.live()


def test_somebody_else_applies(ready, run):
    """Waited for as long as was said, and not a second longer."""
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    acquire_lock(run.store, LockHolder(id="other", who="ada", host="elsewhere"), run.clock)
    timed = replace(run, sleep=sleep, clock=RunClock(now=run.clock.now, monotonic=lambda: now[0]))
    with pytest.raises(LockHeld):
        carried(timed)
    assert slept == []
    with pytest.raises(LockHeld):
        carried(timed, lock_timeout=3 * PATIENCE)
    assert slept == [PATIENCE] * 3
    assert ready.writes() == 0


@pytest.mark.parametrize("terms", [{"is_stopped": lambda: True}, {"deadline": 1e-9}])
def test_out_of_time_nothing_new_begins(ready, run, terms):
    """An interrupt and a deadline are alike: said, and recorded."""
    report = carried(run, **terms)
    assert report.stopped
    assert [each.outcome_status for each in report.outcomes] == [OutcomeStatus.BLOCKED]
    assert ready.writes() == 0


def test_a_comment_is_remembered_without_a_write(ready, run, begin):
    """The file's digest moves, nothing else does: the next plan does not open it again."""
    carried(run)
    path = ready.repo.root / "manifests/prod/credentials/prod-db.yaml"
    path.write_text("# a comment\n" + path.read_text())
    writes = ready.writes()
    planned = plan_workspace(begin(), PlanOptions())
    (entry,) = find_refreshed_entries(planned, ())
    assert entry.digest != planned.context.recovery.entries[entry.address].digest
    assert find_refreshed_entries(planned, [entry.address]) == ()
    assert carried(begin()).outcomes == ()
    assert find_refreshed_entries(plan_workspace(begin(), PlanOptions()), ()) == ()
    assert ready.writes() == writes


def test_manifests_that_are_wrong_stop_it_under_the_lock(ready, run):
    """And the lock is free afterwards."""
    path = ready.repo.root / "manifests/prod/credentials/prod-db.yaml"
    good = path.read_text()
    path.write_text("kind: nothing\n")
    with pytest.raises(DiagnosticError):
        carried(run)
    path.write_text(good)
    assert carried(run).approved
