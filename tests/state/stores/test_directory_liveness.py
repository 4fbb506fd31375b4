"""Signs of life."""

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
    """Start a process that attends."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    worker = subprocess.Popen([sys.executable, "-c", LIVE, str(folder)], **pipes)
    assert worker.stdout.readline() == "here\n"
    return worker


def test_whoever_lives_is_not_gone(tmp_path):
    """As long as the process is there, so is its sign, seen from here and from elsewhere."""
    leave = announce_alive(tmp_path, "a")
    assert not is_holder_dead(tmp_path, "a")
    with living(tmp_path) as worker:
        assert not is_holder_dead(tmp_path, "p")
        worker.stdin.write("\n")
    leave()
    assert not is_holder_dead(tmp_path, "a")


def test_whoever_was_killed_is_gone(tmp_path):
    """The kernel takes the sign away with the process; the next who attends clears up."""
    with living(tmp_path) as worker:
        worker.kill()
    assert is_holder_dead(tmp_path, "p")
    assert is_holder_dead(tmp_path, "p")
    announce_alive(tmp_path, "a")()
    assert list(tmp_path.iterdir()) == []
    assert not is_holder_dead(tmp_path, "p")


def test_of_whom_nothing_is_known_nothing_is_said(tmp_path):
    """No sign may mean another machine, or a process that ended well."""
    assert not is_holder_dead(tmp_path, "nobody")
    assert not is_holder_dead(tmp_path / "missing", "nobody")


def test_attending_twice_is_attending_once(tmp_path):
    """The second time changes nothing, and its end neither."""
    leave = announce_alive(tmp_path, "a")
    announce_alive(tmp_path, "a")()
    assert not is_holder_dead(tmp_path, "a")
    assert len(os.listdir(tmp_path)) == 1  # noqa: PTH208
    leave()
    assert os.listdir(tmp_path) == []  # noqa: PTH208
