"""The lock: acquisition, renewal, release, takeover and unlock."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from msgspec.structs import replace

from keyturn.model.diagnostic import DiagnosticError, storage_error
from keyturn.state.lock import (
    LOCK_KEY,
    TAKEOVER_GRACE,
    Lease,
    LockHeld,
    LockHolder,
    acquire_lock,
    force_unlock,
    read_held_lock,
)
from keyturn.state.stores.base import NO_ETAG

ANN = LockHolder(id="a1", who="ann", host="laptop", url="https://ci/run/1", commit="c" * 40, ttl=600)
BOB = replace(ANN, id="b1", who="bob", url="")
DEAD = replace(ANN, id="d1", ttl=-TAKEOVER_GRACE.total_seconds() - 10)
"""A holder whose lease has always ended."""

GRAB = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from keyturn.model.clock import RunClock
from keyturn.state.lock import LockHeld, LockHolder, acquire_lock
from keyturn.state.stores import open_store
store = open_store("file:.keyturn/prod", Path(sys.argv[1]), {})
clock = RunClock(lambda: datetime.now(UTC), time.monotonic)
holder = LockHolder(id=sys.argv[2], who="w" + sys.argv[2], host="h", ttl=float(sys.argv[3]))
print("ready", flush=True)
sys.stdin.readline()
try:
    lease = acquire_lock(store, holder, clock)
    print("won", flush=True)
except LockHeld as held:
    print("lost to", held.record.holder.id, flush=True)
    raise SystemExit(4)
sys.stdin.readline()
print("valid" if lease.is_valid() else "over", flush=True)
"""


def test_a_free_lock_is_acquired(store, clock):
    """The record names the holder."""
    assert read_held_lock(store) is None
    lease = acquire_lock(store, ANN, clock)
    assert lease.is_valid()
    record = read_held_lock(store)
    assert record.holder == ANN
    assert record.since == record.renewed == "2026-03-09T12:00:00.000Z"
    assert (record.renewals, record.released) == (0, False)


def test_a_held_lock_is_not_acquired(store, clock):
    """The error names the holder, the time and the command."""
    acquire_lock(store, ANN, clock)
    with pytest.raises(LockHeld) as stopped:
        acquire_lock(store, BOB, clock)
    assert stopped.value.record.holder == ANN
    (finding,) = stopped.value.diagnostics
    assert finding.code == "KT610"
    for piece in ("ann", "laptop", "https://ci/run/1", "2026-03-09T12:00:00.000Z"):
        assert piece in finding.message
    assert "unlock a1" in finding.hint
    assert read_held_lock(store).holder == ANN


def test_a_released_lock_is_free(store, clock):
    """The lease ends at once, and another run acquires the lock."""
    lease = acquire_lock(store, ANN, clock)
    lease.release()
    assert not lease.is_valid()
    assert read_held_lock(store) is None
    assert acquire_lock(store, BOB, clock).is_valid()


def test_a_lease_ends_by_the_monotonic_clock(folder, manual_clock):
    """A change of the system time has no effect."""
    lease = acquire_lock(folder, ANN, manual_clock.clock)
    manual_clock.moment = manual_clock.moment.replace(year=2025)
    assert lease.is_valid()
    manual_clock.seconds += 599.9
    assert lease.is_valid()
    assert lease.remaining_seconds() == pytest.approx(0.1)
    manual_clock.seconds += 0.1
    assert not lease.is_valid()


def test_the_lease_starts_before_the_request(folder, manual_clock):
    """A slow response shortens it."""

    class Slow:
        location, read = folder.location, folder.read
        announce_alive, is_holder_dead = folder.announce_alive, folder.is_holder_dead

        def put(self, key, data, expect):
            manual_clock.wait(400)
            return folder.put(key, data, expect)

    assert acquire_lock(Slow(), ANN, manual_clock.clock).remaining_seconds() == pytest.approx(200)


def test_a_renewal_restarts_the_lease(store, manual_clock):
    """The record counts renewals; a long lease is not renewed."""
    lease = acquire_lock(store, ANN, manual_clock.clock)
    manual_clock.wait(250)
    lease.renew(below=300)
    assert lease.remaining_seconds() == pytest.approx(350)
    lease.renew(below=400)
    assert lease.remaining_seconds() == pytest.approx(600)
    lease.renew()
    record = read_held_lock(store)
    assert (record.renewals, record.since) == (2, "2026-03-09T12:00:00.000Z")
    assert record.renewed == "2026-03-09T12:04:10.000Z"


def test_an_expired_lease_is_not_renewed(folder, manual_clock, assert_refused):
    """Another run may have the lock."""
    lease = acquire_lock(folder, ANN, manual_clock.clock)
    manual_clock.wait(600)
    with assert_refused("KT611"):
        lease.renew()
    assert read_held_lock(folder).renewals == 0


def test_a_lost_lease_is_detected(store, clock, assert_refused):
    """Renewal and release fail, and the new holder keeps the lock."""
    first, second = acquire_lock(store, ANN, clock), None
    force_unlock(store, "a1")
    second = acquire_lock(store, BOB, clock)
    with assert_refused("KT611"):
        first.renew()
    assert not first.is_valid()
    with assert_refused("KT611"):
        first.release()
    assert read_held_lock(store).holder == BOB
    second.renew()


def test_an_expired_lease_is_taken_over(store, clock):
    """After the grace time, by the clock of the store."""
    lost = acquire_lock(store, DEAD, clock)
    assert acquire_lock(store, BOB, clock).is_valid()
    with pytest.raises(DiagnosticError) as stopped:
        lost.release()
    assert stopped.value.diagnostics[0].code == "KT611"


@pytest.mark.parametrize(("past", "taken"), [(600, False), (629, False), (640, True)])
def test_the_grace_is_counted_by_the_age_of_the_record(folder, clock, past, taken):
    """Times of the file system count, not those in the record or of the local clock."""
    acquire_lock(folder, ANN, clock)
    moment = time.time() - past
    os.utime(folder.path / LOCK_KEY, (moment, moment))
    if taken:
        assert acquire_lock(folder, BOB, clock).is_valid()
    else:
        with pytest.raises(LockHeld):
            acquire_lock(folder, BOB, clock)


def test_unlock_requires_the_id(store, clock, assert_refused):
    """A command for an earlier run does not release the lock of a later one."""
    acquire_lock(store, ANN, clock)
    with assert_refused("KT612") as found:
        force_unlock(store, "b1")
    assert "ann" in found[0].message
    assert "a1" in found[0].hint
    assert force_unlock(store, "a1").holder == ANN
    assert read_held_lock(store) is None
    with assert_refused("KT612"):
        force_unlock(store, "a1")


def test_unlocking_a_free_lock_is_an_error(store, assert_refused):
    """A store without a lock record."""
    with assert_refused("KT612"):
        force_unlock(store, "a1")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"holder":{"id":7}}', b"[" * 100_000, b'{"holder": 7}']
)
def test_a_damaged_record_is_released_by_its_id(folder, clock, assert_refused, data):
    """The error names the id."""
    folder.put(LOCK_KEY, data, NO_ETAG)
    with assert_refused("KT613") as found:
        acquire_lock(folder, BOB, clock)
    with assert_refused("KT613"):
        force_unlock(folder, "a1")
    identity = found[0].hint.rpartition(" ")[2].rstrip("`")
    assert force_unlock(folder, identity) is None
    assert acquire_lock(folder, BOB, clock).is_valid()


def test_the_slower_of_two_runs_learns_the_holder(folder, clock):
    """It reads the record again after the failed write."""

    class Raced:
        location, current_time = folder.location, folder.current_time
        announce_alive, is_holder_dead = folder.announce_alive, folder.is_holder_dead
        beaten = False

        def read(self, key):
            found = folder.read(key)
            if not self.beaten:
                self.beaten = True
                acquire_lock(folder, ANN, clock)
            return found

        def put(self, key, data, expect):
            return folder.put(key, data, expect)

    with pytest.raises(LockHeld) as stopped:
        acquire_lock(Raced(), BOB, clock)
    assert stopped.value.record.holder == ANN


def test_unlock_does_not_release_a_new_holder(folder, clock, assert_refused):
    """The lock changed between read and write."""
    first = acquire_lock(folder, ANN, clock)

    class Raced:
        location = folder.location
        put = folder.put

        def read(self, key):
            """Read; afterwards another run acquires the lock."""
            found = folder.read(key)
            first.release()
            acquire_lock(folder, BOB, clock)
            return found

    with assert_refused("KT611"):
        force_unlock(Raced(), "a1")
    assert read_held_lock(folder).holder == BOB


def test_releasing_an_unacquired_lock_does_nothing(folder, clock):
    """Cleanup after a failed acquisition."""
    Lease(folder, clock).release()
    assert folder.read(LOCK_KEY) is None


def contenders(tmp_path, count, ttl="600"):
    """Start processes that acquire the lock when they read a line."""
    command = [sys.executable, "-c", GRAB, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    workers = [subprocess.Popen([*command, str(number), ttl], **pipes) for number in range(count)]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * count
    return workers


def test_one_of_eight_processes_acquires_the_lock(tmp_path, folder):
    """The others exit and name its holder."""
    workers = contenders(tmp_path, 8)
    for worker in workers:
        worker.stdin.write("go\n")
    said = [worker.stdout.readline().strip() for worker in workers]
    for worker in workers:
        worker.communicate("done\n" if worker.poll() is None else None)
    (winner,) = (number for number, line in enumerate(said) if line == "won")
    assert sorted(said)[:-1] == [f"lost to {winner}"] * 7
    assert json.loads(folder.read(LOCK_KEY).data)["holder"]["who"] == f"w{winner}"
    assert sorted(worker.returncode for worker in workers) == [0] + [4] * 7


def test_a_killed_holder_leaves_the_lock_free(tmp_path, folder, clock):
    """On the same machine, without waiting for the end of the lease."""
    (worker,) = contenders(tmp_path, 1)
    worker.stdin.write("go\n")
    assert worker.stdout.readline() == "won\n"
    here, elsewhere = replace(BOB, host="h"), replace(BOB, host="other")
    with pytest.raises(LockHeld):
        acquire_lock(folder, here, clock)
    worker.kill()
    worker.communicate()
    with pytest.raises(LockHeld):
        acquire_lock(folder, elsewhere, clock)
    assert acquire_lock(folder, here, clock).is_valid()
    assert len(list(folder.path.glob(".alive-*"))) == 1


def test_a_stopped_holder_still_has_the_lock(tmp_path, folder, clock):
    """A suspended process may continue."""
    (worker,) = contenders(tmp_path, 1)
    worker.stdin.write("go\n")
    assert worker.stdout.readline() == "won\n"
    worker.send_signal(signal.SIGSTOP)
    with pytest.raises(LockHeld):
        acquire_lock(folder, replace(BOB, host="h"), clock)
    worker.send_signal(signal.SIGCONT)
    assert worker.communicate("done\n")[0] == "valid\n"


def test_a_failed_acquisition_leaves_no_liveness_file(folder, clock, assert_refused):
    """The disk is full."""

    class Full:
        location, read, current_time = folder.location, folder.read, folder.current_time
        announce_alive, is_holder_dead = folder.announce_alive, folder.is_holder_dead

        def put(self, *_):
            """Raise the error of a full disk."""
            raise storage_error("KT608", "here", "no room", "make room")

    with assert_refused("KT608"):
        acquire_lock(Full(), ANN, clock)
    assert list(folder.path.glob(".alive-*")) == []


@pytest.mark.waits
def test_a_resumed_holder_knows_that_its_lease_ended(tmp_path):
    """A process suspended for longer than its lease writes nothing."""
    (worker,) = contenders(tmp_path, 1, ttl="0.4")
    worker.stdin.write("go\n")
    assert worker.stdout.readline() == "won\n"
    worker.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    worker.send_signal(signal.SIGCONT)
    assert worker.communicate("done\n")[0] == "over\n"
