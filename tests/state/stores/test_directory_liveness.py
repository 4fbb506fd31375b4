"""Liveness files of lock holders."""

import os
import subprocess
import sys

from keyturn.state.stores.directory import announce_alive, is_holder_dead

LIVE = """
import sys
from pathlib import Path
from keyturn.state.stores.directory import announce_alive
announce_alive(Path(sys.argv[1]), "p")
print("here", flush=True)
sys.stdin.readline()
"""


def living(folder):
    """Start a process that announces a holder."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    worker = subprocess.Popen([sys.executable, "-c", LIVE, str(folder)], **pipes)
    assert worker.stdout.readline() == "here\n"
    return worker


def test_a_running_holder_is_not_dead(tmp_path):
    """As seen from this process and from another one."""
    leave = announce_alive(tmp_path, "a")
    assert not is_holder_dead(tmp_path, "a")
    with living(tmp_path) as worker:
        assert not is_holder_dead(tmp_path, "p")
        worker.stdin.write("\n")
    leave()
    assert not is_holder_dead(tmp_path, "a")


def test_a_killed_holder_is_dead(tmp_path):
    """The next announcement deletes its file."""
    with living(tmp_path) as worker:
        worker.kill()
    assert is_holder_dead(tmp_path, "p")
    assert is_holder_dead(tmp_path, "p")
    announce_alive(tmp_path, "a")()
    assert list(tmp_path.iterdir()) == []
    assert not is_holder_dead(tmp_path, "p")


def test_a_holder_without_a_file_is_not_dead(tmp_path):
    """It may run on another machine, or have ended normally."""
    assert not is_holder_dead(tmp_path, "nobody")
    assert not is_holder_dead(tmp_path / "missing", "nobody")


def test_a_second_announcement_changes_nothing(tmp_path):
    """Ending it has no effect either."""
    leave = announce_alive(tmp_path, "a")
    announce_alive(tmp_path, "a")()
    assert not is_holder_dead(tmp_path, "a")
    assert len(os.listdir(tmp_path)) == 1  # noqa: PTH208
    leave()
    assert os.listdir(tmp_path) == []  # noqa: PTH208
