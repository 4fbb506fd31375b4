"""The journal's file: torn ends, full disks, swapped files."""

import os
import subprocess
import sys

import pytest

from keyturn.state.stores.base import PreconditionFailed

FULL = """
import resource, signal, sys
from pathlib import Path
from keyturn.model.diagnostic import DiagnosticError
from keyturn.state.stores import open_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
tape = open_store("file:.keyturn/prod", Path(sys.argv[1]), {}).open_log()
tape.prepare_append(0)
tape.append(1, [b"one\\n"])
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
try:
    tape.append(2, [b"a line that is longer than the room\\n"])
except DiagnosticError as full:
    print(full.diagnostics[0].code)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
tape.append(2, [b"two\\n"])
"""


@pytest.fixture
def path(folder):
    """The journal's file."""
    return folder.path / "journal.jsonl"


def test_a_torn_end_is_cut_off(folder, path):
    """Appending goes on behind the last whole line."""
    tape = folder.open_log()
    tape.prepare_append(0)
    tape.append(1, [b"one\n"])
    with path.open("ab") as file:
        file.write(b"tw")
    assert [line.data for line in tape.read(0)] == [b"one\n", b"tw"]
    again = folder.open_log()
    again.prepare_append(2)
    again.append(2, [b"two\n"])
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_whole_line_is_never_cut_off(folder, path):
    """If the end is not what was read, somebody has written, and nothing is cut."""
    folder.open_log().prepare_append(0)
    path.write_bytes(b"one\ntwo\n")
    with pytest.raises(PreconditionFailed):
        folder.open_log().prepare_append(3)
    assert path.read_bytes() == b"one\ntwo\n"


def test_on_a_full_disk_nothing_stays_half_written(tmp_path, path):
    """What did not fit is taken back, and said; where there is room again, it goes on."""
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (run.stdout, run.stderr) == ("KT608\n", "")
    assert path.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("how", ["removed", "replaced", "shortened"])
def test_a_file_that_was_swapped_is_not_written(folder, path, how):
    """A journal moved away under a running apply stops it: its records would go nowhere."""
    tape = folder.open_log()
    tape.prepare_append(0)
    tape.append(1, [b"one\n"])
    if how == "shortened":
        os.truncate(path, 2)
    else:
        path.unlink()
    if how == "replaced":
        path.write_bytes(b"one\n")
    with pytest.raises(PreconditionFailed):
        tape.append(2, [b"two\n"])
