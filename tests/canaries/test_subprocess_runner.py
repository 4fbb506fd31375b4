"""The runner returns output and exit code, and samples child processes."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from subprocess_runner import ProcessSampler, run_command


def test_ending(run):
    """The result has the exit code and both streams."""
    script = "import sys; print('out ' + input()); sys.stderr.write('err'); sys.exit(3)"
    ended = run("-c", script, command="python", stdin="put")
    assert (ended.code, ended.stdout, ended.stderr) == (3, "out put\n", "err")


def test_environment(run):
    """The variables of ``env`` are added to the guarded environment."""
    script = "import os; print(os.environ['GIVEN'], 'keyturn-' in os.environ['HOME'])"
    assert run("-c", script, command="python", env={"GIVEN": "yes"}).stdout == "yes True\n"


def test_nothing_is_left_running(tmp_path):
    """A timeout ends the command, its children and the sampler."""
    threads = threading.active_count()
    script = "import subprocess as s, time; open('pid', 'w').write(str(s.Popen(['sleep', '60']).pid))"
    with pytest.raises(subprocess.TimeoutExpired):
        run_command(
            [sys.executable, "-c", f"{script}; time.sleep(60)"],
            cwd=tmp_path,
            env={},
            timeout=3,
        )
    assert threading.active_count() == threads
    assert _ended(int(Path(tmp_path, "pid").read_text()))


def _ended(pid):
    for _ in range(100):
        state = Path("/proc", str(pid), "stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


def test_sampler_sees_children():
    """The arguments and the environment of a grandchild are sampled."""
    script = "import subprocess; subprocess.run(['sleep', '0.25'], env={'MARK': 'below'})"
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        sampler = ProcessSampler(process.pid)
        sampler.start()
    sampler.stop()
    assert b"sleep\x000.25\0" in sampler.argv
    assert any(b"MARK=below" in block for block in sampler.environ)
