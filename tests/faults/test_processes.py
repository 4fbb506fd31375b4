"""Real processes: killed, interrupted, stopped, and concurrent."""

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

from faults.conftest import ALL_CASES
from faults.in_process import is_write
from faults.scenarios import TEN
from planasonix_emulator.server import Emulator
from workspace import Repository

pytestmark = pytest.mark.faults
KILLABLE_PROCESS = Path(__file__).with_name("killable_process.py")


@dataclass
class ProcessWorkspace:
    """A repository of ten resources, its service, and keyturn processes."""

    repo: Repository
    service: Emulator
    process: subprocess.Popen
    runs: int = 0

    def start(self, *argv, at=0, torn_append=False, copies=1, lease=600.0):
        """Start keyturn, once or more often; return the process ids."""
        self.runs += 1
        order = {"argv": argv, "at": at, "tears": torn_append, "copies": copies, "lease": lease}
        self.output = self.repo.root.parent / f"output-{self.runs}"
        self.process.stdin.write(json.dumps(order | {"output": str(self.output)}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["pids"]

    def end(self):
        """Wait; return exit codes (negative: the signal), passed crash points, and outputs."""
        ended = json.loads(self.process.stdout.readline())
        outputs = [Path(f"{self.output}.{number}").read_text() for number in range(len(ended["codes"]))]
        return ended["codes"], ended["crash_points"], outputs

    def run(self, *argv, **how):
        """Run keyturn to its end."""
        self.start(*argv, **how)
        return self.end()

    def reset(self):
        """Reset service and state."""
        self.service.reset(settings=True)
        shutil.rmtree(self.repo.root / ".keyturn/prod", ignore_errors=True)

    def names(self):
        """Return the number of active objects by name."""
        state = self.service.read_state()
        rows = [*state["credentials"], *state["connections"]]
        return Counter((each["collection"], each["name"]) for each in rows if each["status"] != "deleted")

    def written(self):
        """Return the writes that reached the service, in order."""
        return [each for each in self.service.list_requests() if is_write(each["method"], each["path"])]

    def seen(self, count):
        """Wait until ``count`` writes have reached the service."""
        end = time.monotonic() + 60
        while len(self.written()) < count and time.monotonic() < end:
            time.sleep(0.01)

    def throttled(self):
        """Wait until a request was answered with 429."""
        end = time.monotonic() + 60
        while all(each["status"] != 429 for each in self.service.list_requests()) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)

    def settled(self):
        """Apply; return whether all ten objects exist once and the plan is empty."""
        codes = [self.run("apply", "--auto-approve", "--no-test")[0][0]]
        plan = self.run("plan", "--detailed-exitcode")
        return codes == [0] and plan[0] == [0] and sorted(self.names().values()) == [1] * 10


@pytest.fixture(scope="session")
def shared_processes(tmp_path_factory, age_key):
    """Return ten manifests, their service, and a forking process, shared by all tests of a worker."""
    folder = tmp_path_factory.mktemp("processes")
    with Emulator.start(unique_names=False) as service:
        repo = Repository(folder / "repo", age_key, service.base_url, service.organization)
        repo.key = service.key
        TEN.after(repo, lambda label: f"not-so-secret-{label}")
        environment = {**os.environ, **repo.environment(), "PYTHONPATH": "", "PYTHONWARNINGS": "ignore"}
        with subprocess.Popen(
            [sys.executable, str(KILLABLE_PROCESS)],
            cwd=repo.root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield ProcessWorkspace(repo, service, process)
            process.stdin.close()


@pytest.fixture
def processes(shared_processes):
    """Return the processes with an empty service and state."""
    shared_processes.reset()
    return shared_processes


def choose_kills(processes):
    """Return pairs of crash point and torn append: all, or those at the journal."""
    crash_points = processes.run("apply", "--auto-approve", "--no-test", "--parallelism", "1")[1]
    chosen = [number for number, name in enumerate(crash_points, 1) if ALL_CASES or name.startswith("append")]
    cases = [(number, torn_append) for number in chosen for torn_append in (False, True)]
    return [
        (n, torn_append) for n, torn_append in cases if not torn_append or crash_points[n - 1] == "append"
    ]


@pytest.mark.waits
def test_the_next_apply_repairs_a_kill(processes, record_property):
    """SIGKILL before, within and after every journal line."""
    cases, bad = choose_kills(processes), []
    for at, torn_append in cases if ALL_CASES else cases[3::9]:
        processes.reset()
        (code,), crash_points, _ = processes.run(
            "apply", "--auto-approve", "--no-test", "--parallelism", "1", at=at, torn_append=torn_append
        )
        if code != -signal.SIGKILL or not processes.settled():
            bad.append((at, torn_append, code, crash_points[-1:], processes.names()))
    record_property("cases", len(cases if ALL_CASES else cases[3::9]))
    record_property("violations", len(bad))
    assert bad == []


@pytest.mark.waits
@pytest.mark.parametrize("copies", [2, 4, 8] if ALL_CASES else [4])
def test_concurrent_applies(processes, copies):
    """One applies; the others exit with 4 and name the holder of the lock."""
    processes.service.add_fault("latency", method="POST", path="/api/credentials", times=0, seconds=0.4)
    codes, _, outputs = processes.run("apply", "--auto-approve", "--no-test", copies=copies)
    assert sorted(codes) == [0] + [4] * (copies - 1)
    assert all("holds the lock" in text for code, text in zip(codes, outputs, strict=True) if code == 4)
    assert sorted(processes.names().values()) == [1] * 10
    assert processes.settled()


@pytest.mark.waits
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_starts_nothing_new(processes, number):
    """Running requests finish, outcomes are recorded, exit code 130."""
    processes.service.add_fault("latency", method="POST", path="/api/credentials", times=0, seconds=1)
    (pid,) = processes.start("apply", "--auto-approve", "--no-test", "--parallelism", "2")
    processes.seen(2)
    os.kill(pid, number)
    (code,), _, (output,) = processes.end()
    assert code == 130
    assert "interrupted: no new change starts" in output
    assert len(processes.written()) == 2
    assert sorted(processes.names().values()) == [1, 1]
    processes.service.set_faults([])
    assert processes.settled()


# A minute's wait at each kind of request: before the first write, at a create, at the read after it.
LONG_WAITS = [("GET", "/api/credentials"), ("POST", "/api/credentials"), ("GET", "/api/credentials/*")]


@pytest.mark.waits
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("method", "path"), LONG_WAITS)
def test_a_signal_ends_a_wait_at_once(processes, number, method, path):
    """The service asks for a minute; the lock is released, and the next apply completes the rest."""
    processes.service.add_fault("rate_limit", method=method, path=path, times=0, retry_after="60")
    (pid,) = processes.start("apply", "--auto-approve", "--no-test")
    processes.throttled()
    begun = time.monotonic()
    os.kill(pid, number)
    (code,), _, (output,) = processes.end()
    took = time.monotonic() - begun
    assert (code, took < 5) == (130, True), output
    assert processes.run("log", "--verify")[0] == [0]
    processes.service.set_faults([])
    assert processes.settled()


@pytest.mark.waits
def test_a_signal_ends_the_wait_for_the_lock(processes):
    """Another apply holds it and goes on."""
    processes.service.add_fault("latency", method="POST", path="/api/credentials", times=0, seconds=3)
    processes.start("apply", "--auto-approve", "--no-test")
    processes.seen(1)
    environment = {**os.environ, **processes.repo.environment()}
    command = [sys.executable, "-m", "keyturn", "apply", "--auto-approve", "--lock-timeout", "60"]
    with subprocess.Popen(command, cwd=processes.repo.root, env=environment) as waiting:
        time.sleep(1.5)
        waiting.terminate()
        begun = time.monotonic()
        assert waiting.wait(20) == 130
        assert time.monotonic() - begun < 1
    assert processes.end()[0] == [0]
    assert processes.settled()


@pytest.mark.waits
@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)])
def test_the_second_signal_ends_at_once(processes, numbers):
    """The service does not respond."""
    processes.service.add_fault("hang_after", method="POST", path="/api/credentials", times=0)
    (pid,) = processes.start("apply", "--auto-approve", "--no-test", "--parallelism", "2")
    processes.seen(2)
    os.kill(pid, numbers[0])
    time.sleep(0.2)
    begun = time.monotonic()
    os.kill(pid, numbers[1])
    (code,), _, _ = processes.end()
    assert code == 130
    assert time.monotonic() - begun < 10
    assert processes.run("log", "--verify")[0] == [0]
    processes.service.set_faults([])
    assert processes.settled()


@pytest.mark.waits
def test_a_cancelled_ci_job(processes):
    """SIGINT, SIGTERM, SIGKILL; `exec` forwards the signals."""
    processes.service.add_fault("hang_after", method="POST", path="/api/credentials", times=0)
    command = 'exec "$0" -m keyturn apply --auto-approve --no-test --parallelism 2'
    environment = {**os.environ, **processes.repo.environment()}
    with subprocess.Popen(
        ["/bin/sh", "-c", command, sys.executable],
        cwd=processes.repo.root,
        env=environment,
        stderr=subprocess.PIPE,
    ) as shell:
        processes.seen(2)
        for number, pause in ((signal.SIGINT, 0.75), (signal.SIGTERM, 0.25)):
            shell.send_signal(number)
            time.sleep(pause)
        shell.kill()
        assert b"no new change starts" in shell.stderr.read()
    assert shell.returncode in {130, -signal.SIGKILL}
    assert len(processes.written()) == 2
    processes.service.set_faults([])
    assert processes.settled()


@pytest.mark.waits
def test_a_stopped_process_writes_nothing_after_its_lease(processes):
    """SIGSTOP for longer than the lease, then SIGCONT."""
    processes.service.add_fault("latency", method="POST", path="/api/credentials", times=0, seconds=2)
    (pid,) = processes.start("apply", "--auto-approve", "--no-test", "--parallelism", "2", lease=1.2)
    processes.seen(2)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1.6)
    os.kill(pid, signal.SIGCONT)
    (code,), _, _ = processes.end()
    assert code == 130
    assert len(processes.written()) == 2
    processes.service.set_faults([])
    assert processes.settled()
