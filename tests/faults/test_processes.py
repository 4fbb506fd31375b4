"""Real processes: killed, interrupted, stopped, and many at once."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.conftest import WHOLE
from faults.scenes import TEN
from faults.straight import writes
from planasonix_emulator.server import Emulator
from workspace import Repository

pytestmark = pytest.mark.faults
DOOMED = Path(__file__).with_name("doomed.py")


@dataclass
class Yard:
    """A repository of ten resources, the service it describes, and the processes that work on it."""

    repo: Repository
    service: Emulator
    process: subprocess.Popen
    runs: int = 0

    def start(self, *argv, at=0, tears=False, copies=1, lease=600.0):
        """Start keyturn, once or more often; return the process ids."""
        self.runs += 1
        order = {"argv": argv, "at": at, "tears": tears, "copies": copies, "lease": lease}
        self.output = self.repo.root.parent / f"output-{self.runs}"
        self.process.stdin.write(json.dumps(order | {"output": str(self.output)}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["pids"]

    def end(self):
        """Wait; return exit codes (negative: the signal), the doors that were passed, all that was said."""
        ended = json.loads(self.process.stdout.readline())
        said = [Path(f"{self.output}.{number}").read_text() for number in range(len(ended["codes"]))]
        return ended["codes"], ended["doors"], said

    def run(self, *argv, **how):
        """Run keyturn to its end."""
        self.start(*argv, **how)
        return self.end()

    def fresh(self):
        """Begin anew."""
        self.service.reset(settings=True)
        shutil.rmtree(self.repo.root / ".keyturn/prod", ignore_errors=True)

    def names(self):
        """Return how often each active name stands."""
        state = self.service.read_state()
        rows = [*state["credentials"], *state["connections"]]
        return Counter((each["collection"], each["name"]) for each in rows if each["status"] != "deleted")

    def written(self):
        """Return the writes that the service has begun to answer, in order."""
        return [each for each in self.service.list_requests() if writes(each["method"], each["path"])]

    def seen(self, count):
        """Wait until so many writes have reached the service."""
        end = time.monotonic() + 60
        while len(self.written()) < count and time.monotonic() < end:
            time.sleep(0.01)

    def settled(self):
        """Apply until it is done; tell whether all ten stand once and a plan finds nothing."""
        codes = [self.run("apply", "--auto-approve", "--no-test")[0][0]]
        plan = self.run("plan", "--detailed-exitcode")
        return codes == [0] and plan[0] == [0] and sorted(self.names().values()) == [1] * 10


@pytest.fixture(scope="session")
def ground(tmp_path_factory, age_key):
    """Return ten manifests, their service, and a process that forks; one for all tests of a worker."""
    folder = tmp_path_factory.mktemp("yard")
    with Emulator.start(unique_names=False) as service:
        repo = Repository(folder / "repo", age_key, service.base_url, service.organization)
        repo.key = service.key
        TEN.after(repo, lambda label: f"not-so-secret-{label}")
        environment = {**os.environ, **repo.environment(), "PYTHONPATH": "", "PYTHONWARNINGS": "ignore"}
        with subprocess.Popen(
            [sys.executable, str(DOOMED)],
            cwd=repo.root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield Yard(repo, service, process)
            process.stdin.close()


@pytest.fixture
def yard(ground):
    """Return the yard, empty."""
    ground.fresh()
    return ground


def kills(yard):
    """Return the doors of an apply of ten: at each line of the journal, or a few of all."""
    doors = yard.run("apply", "--auto-approve", "--no-test", "--parallelism", "1")[1]
    chosen = [number for number, name in enumerate(doors, 1) if WHOLE or name.startswith("append")]
    cases = [(number, tears) for number in chosen for tears in (False, True)]
    return [(n, tears) for n, tears in cases if not tears or doors[n - 1] == "append"]


@pytest.mark.waits
def test_a_kill_at_any_point_is_mended_by_the_next_apply(yard, record_property):
    """SIGKILL before, within and after every line of the journal; the second apply ends in the same state."""
    cases, bad = kills(yard), []
    for at, tears in cases if WHOLE else cases[3::9]:
        yard.fresh()
        (code,), doors, _ = yard.run(
            "apply", "--auto-approve", "--no-test", "--parallelism", "1", at=at, tears=tears
        )
        if code != -signal.SIGKILL or not yard.settled():
            bad.append((at, tears, code, doors[-1:], yard.names()))
    record_property("cases", len(cases if WHOLE else cases[3::9]))
    record_property("violations", len(bad))
    assert bad == []


@pytest.mark.waits
@pytest.mark.parametrize("copies", [2, 4, 8] if WHOLE else [4])
def test_many_at_once_make_nothing_twice(yard, copies):
    """One of them applies; the others end with 4 and say who holds the lock."""
    yard.service.add_fault("latency", method="POST", path="/api/credentials", times=0, seconds=0.4)
    codes, _, said = yard.run("apply", "--auto-approve", "--no-test", copies=copies)
    assert sorted(codes) == [0] + [4] * (copies - 1)
    assert all("holds the lock since" in text for code, text in zip(codes, said, strict=True) if code == 4)
    assert sorted(yard.names().values()) == [1] * 10
    assert yard.settled()


@pytest.mark.waits
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interrupt_begins_nothing_new(yard, number):
    """What is under way is finished and written down, nothing else is begun, and the exit code is 130."""
    yard.service.add_fault("latency", method="POST", path="/api/credentials", times=0, seconds=1)
    (pid,) = yard.start("apply", "--auto-approve", "--no-test", "--parallelism", "2")
    yard.seen(2)
    os.kill(pid, number)
    (code,), _, (said,) = yard.end()
    assert code == 130
    assert "interrupted: nothing new begins" in said
    assert len(yard.written()) == 2
    assert sorted(yard.names().values()) == [1, 1]
    yard.service.set_faults([])
    assert yard.settled()


@pytest.mark.waits
@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)])
def test_the_second_interrupt_leaves_at_once(yard, numbers):
    """The service is silent; the second signal ends the run long before its patience does."""
    yard.service.add_fault("hang_after", method="POST", path="/api/credentials", times=0)
    (pid,) = yard.start("apply", "--auto-approve", "--no-test", "--parallelism", "2")
    yard.seen(2)
    os.kill(pid, numbers[0])
    time.sleep(0.2)
    begun = time.monotonic()
    os.kill(pid, numbers[1])
    (code,), _, _ = yard.end()
    assert code == 130
    assert time.monotonic() - begun < 10
    assert yard.run("log", "--verify")[0] == [0]
    yard.service.set_faults([])
    assert yard.settled()


@pytest.mark.waits
def test_the_ladder_of_a_cancelled_job(yard):
    """SIGINT, SIGTERM, SIGKILL, as GitHub cancels a job, ten times faster; `exec` lets them reach us."""
    yard.service.add_fault("hang_after", method="POST", path="/api/credentials", times=0)
    command = 'exec "$0" -m keyturn apply --auto-approve --no-test --parallelism 2'
    environment = {**os.environ, **yard.repo.environment()}
    with subprocess.Popen(
        ["/bin/sh", "-c", command, sys.executable],
        cwd=yard.repo.root,
        env=environment,
        stderr=subprocess.PIPE,
    ) as shell:
        yard.seen(2)
        for number, pause in ((signal.SIGINT, 0.75), (signal.SIGTERM, 0.25)):
            shell.send_signal(number)
            time.sleep(pause)
        shell.kill()
        assert b"nothing new begins" in shell.stderr.read()
    assert shell.returncode in {130, -signal.SIGKILL}
    assert len(yard.written()) == 2
    yard.service.set_faults([])
    assert yard.settled()


@pytest.mark.waits
def test_a_stopped_holder_writes_nothing_after_its_lease(yard):
    """SIGSTOP for longer than the lease, SIGCONT: not one more write reaches the service."""
    yard.service.add_fault("latency", method="POST", path="/api/credentials", times=0, seconds=2)
    (pid,) = yard.start("apply", "--auto-approve", "--no-test", "--parallelism", "2", lease=1.2)
    yard.seen(2)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1.6)
    os.kill(pid, signal.SIGCONT)
    (code,), _, _ = yard.end()
    assert code == 130
    assert len(yard.written()) == 2
    yard.service.set_faults([])
    assert yard.settled()
