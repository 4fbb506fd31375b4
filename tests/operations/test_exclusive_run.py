"""Lock and journal around every command that writes."""

from contextlib import suppress

import pytest
from msgspec.structs import replace

from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.exclusive_run import LEASE_SECONDS, exclusive_run
from keyturn.operations.run_context import Actor
from keyturn.state.events import JournalCompacted, RunFinished, RunStarted
from keyturn.state.journal_record import read_journal_records
from keyturn.state.lock import LockHeld, read_held_lock
from keyturn.state.reader import load_state

ADA = Actor(who="ada", host="laptop", url="https://ci.example.com/1", commit="c0ffee", tool="keyturn 0")


@pytest.fixture
def ours(run):
    """Return a run of a known actor."""
    return replace(run, actor=ADA)


def events(run):
    """Return the events of the journal."""
    return [record.event for record in read_journal_records(run.store.open_log().read(0))]


def test_the_lock_and_the_journal_name_the_actor(ours):
    """Then the journal is compacted and the lock released."""
    with exclusive_run(ours, "purge") as held:
        locked = read_held_lock(ours.store).holder
        assert (locked.who, locked.host, locked.url) == (ADA.who, ADA.host, ADA.url)
        assert locked.commit == ADA.commit
        held.begin_journal(held.read_state())
        held.end_journal({"done": 1})
    started, ended, compacted = events(ours)
    assert isinstance(started, RunStarted)
    assert (started.command, started.who, started.host, started.commit, started.url, started.tool) == (
        "purge", ADA.who, ADA.host, ADA.commit, ADA.url, ADA.tool,
    )  # fmt: skip
    assert (started.workspace, started.organization) == (ours.workspace.name, ours.workspace.organization)
    assert ended == RunFinished(started.run, "ended", {"done": 1})
    assert isinstance(compacted, JournalCompacted)
    assert read_held_lock(ours.store) is None
    assert load_state(ours.store, started.workspace, started.organization).state.serial == 1


def test_a_run_without_writes_leaves_no_record(ours):
    """The lock is acquired and released."""
    with exclusive_run(ours, "apply") as held:
        held.end_journal({})
    assert events(ours) == []
    assert read_held_lock(ours.store) is None


def test_a_failure_is_recorded_and_releases_the_lock(ours):
    """The exception reaches the caller."""

    def fail():
        with exclusive_run(ours, "import") as held:
            held.begin_journal(held.read_state())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    started, ended = events(ours)
    assert ended == RunFinished(started.run, "failed")
    assert read_held_lock(ours.store) is None


def test_a_second_run_is_rejected(ours):
    """Two commands never write at the same time."""
    with exclusive_run(ours, "apply"):
        with pytest.raises(LockHeld):
            exclusive_run(ours, "purge").__enter__()
        assert read_held_lock(ours.store) is not None


def test_the_lease_is_renewed_after_a_third_of_its_time(ours):
    """An expired lease permits no further write."""
    now = [0.0]
    timed = replace(ours, clock=RunClock(now=ours.clock.now, monotonic=lambda: now[0]))
    with suppress(DiagnosticError), exclusive_run(timed, "apply") as held:
        assert held.holds_lock()
        assert read_held_lock(ours.store).renewals == 0
        now[0] = LEASE_SECONDS / 2
        assert held.holds_lock()
        assert read_held_lock(ours.store).renewals == 1
        now[0] += LEASE_SECONDS + 1
        assert not held.holds_lock()
