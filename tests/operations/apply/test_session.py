"""One apply from lock to release."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import OutcomeStatus
from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.apply.session import ApplyOptions, apply_plan, find_refreshed_entries
from keyturn.operations.exclusive_run import LOCK_POLL_SECONDS
from keyturn.operations.plan.plan import PlanOptions, plan_workspace
from keyturn.state.journal_record import read_journal_records
from keyturn.state.lock import LockHeld, LockHolder, acquire_lock


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential that was not applied."""
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


def apply_in(run, decide=lambda _: True, **options):
    """Apply with options."""
    return apply_plan(run, PlanOptions(), ApplyOptions(**options), decide)


def event_types(run):
    """Return the class names of the journal events."""
    return [type(record.event).__name__ for record in read_journal_records(run.store.open_log().read(0))]


def test_an_apply_is_recorded_and_releases_the_lock(ready, run):
    """A second apply has nothing to do."""
    report = apply_in(run)
    assert [each.outcome_status for each in report.outcomes] == [OutcomeStatus.DONE]
    assert event_types(run)[:4] == ["RunStarted", "Intent", "OutcomeRecorded", "RunFinished"]
    assert report.request_stats.total_requests > 0
    assert apply_in(run).outcomes == ()
    assert ready.live()


def test_a_rejected_plan_writes_nothing(ready, run):
    """No request, no record, and the lock is released."""
    report = apply_in(run, lambda _: False)
    assert not report.approved
    assert ready.count_writes() == 0
    assert event_types(run) == []
    assert apply_in(run).approved


def test_a_blocked_plan_is_not_applied(ready, run, begin):
    """Even if the caller approves it."""
    assert apply_in(run).approved
    before = ready.count_writes()
    file = ready.repo.root / "manifests/prod/connections/prod-pg.yaml"
    ready.repo.connection("prod-pg", "prod-db")
    assert apply_in(begin()).approved
    file.write_text(file.read_text().replace("db.example.com", "db.example.net"))
    writes = ready.count_writes()
    assert writes > before
    with pytest.raises(DiagnosticError) as caught:
        apply_in(begin())
    assert {each.code for each in caught.value.diagnostics} == {"KT451"}
    assert ready.count_writes() == writes
    assert apply_in(begin(), lambda _: False).approved is False


def test_an_exception_before_the_first_write_releases_the_lock(ready, run):
    """An exception of the callback."""

    def refuse(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_in(run, refuse)
    assert apply_in(run).approved
    assert ready.live()


def test_a_held_lock_is_awaited_until_the_timeout(ready, run):
    """Not longer than `lock_timeout`."""
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    acquire_lock(run.store, LockHolder(id="other", who="ada", host="elsewhere"), run.clock)
    timed = replace(run, sleep=sleep, clock=RunClock(now=run.clock.now, monotonic=lambda: now[0]))
    with pytest.raises(LockHeld):
        apply_in(timed)
    assert slept == []
    with pytest.raises(LockHeld):
        apply_in(timed, lock_timeout=3 * LOCK_POLL_SECONDS)
    assert slept == [LOCK_POLL_SECONDS] * 3
    assert ready.count_writes() == 0


@pytest.mark.parametrize("options", [{"is_stopped": lambda: True}, {"deadline": 1e-9}])
def test_no_change_starts_after_a_stop(ready, run, options):
    """An interrupt and the deadline have the same effect."""
    report = apply_in(run, **options)
    assert report.stopped
    assert [each.outcome_status for each in report.outcomes] == [OutcomeStatus.BLOCKED]
    assert ready.count_writes() == 0


def test_a_changed_digest_is_recorded_without_a_write(ready, run, begin):
    """A comment changes the digest of the file; the next plan does not decrypt it again."""
    apply_in(run)
    path = ready.repo.root / "manifests/prod/credentials/prod-db.yaml"
    path.write_text("# a comment\n" + path.read_text())
    writes = ready.count_writes()
    planned = plan_workspace(begin(), PlanOptions())
    (entry,) = find_refreshed_entries(planned, ())
    assert entry.digest != planned.context.recovery.entries[entry.address].digest
    assert find_refreshed_entries(planned, [entry.address]) == ()
    assert apply_in(begin()).outcomes == ()
    assert find_refreshed_entries(plan_workspace(begin(), PlanOptions()), ()) == ()
    assert ready.count_writes() == writes


def test_invalid_manifests_release_the_lock(ready, run):
    """The next apply succeeds."""
    path = ready.repo.root / "manifests/prod/credentials/prod-db.yaml"
    good = path.read_text()
    path.write_text("kind: nothing\n")
    with pytest.raises(DiagnosticError):
        apply_in(run)
    path.write_text(good)
    assert apply_in(run).approved
