"""The log in a file: incomplete lines, full disks, replaced files."""

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
log = open_store("file:.keyturn/prod", Path(sys.argv[1]), {}).open_log()
log.prepare_append(0)
log.append(1, [b"one\\n"])
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
try:
    log.append(2, [b"a line that is longer than the room\\n"])
except DiagnosticError as full:
    print(full.diagnostics[0].code)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
log.append(2, [b"two\\n"])
"""


@pytest.fixture
def path(folder):
    """Return the path of the journal file."""
    return folder.path / "journal.jsonl"


def test_an_incomplete_last_line_is_removed(folder, path):
    """Lines are appended after the last complete one."""
    log = folder.open_log()
    log.prepare_append(0)
    log.append(1, [b"one\n"])
    with path.open("ab") as file:
        file.write(b"tw")
    assert [line.data for line in log.read(0)] == [b"one\n", b"tw"]
    again = folder.open_log()
    again.prepare_append(2)
    again.append(2, [b"two\n"])
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_complete_line_is_never_removed(folder, path):
    """If the end of the file is unexpected, another run has written to it."""
    folder.open_log().prepare_append(0)
    path.write_bytes(b"one\ntwo\n")
    with pytest.raises(PreconditionFailed):
        folder.open_log().prepare_append(3)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_line_that_does_not_fit_is_removed(tmp_path, path):
    """After space is freed, the log continues."""
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (run.stdout, run.stderr) == ("KT608\n", "")
    assert path.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("how", ["removed", "replaced", "shortened"])
def test_a_replaced_file_is_not_written(folder, path, how):
    """If the journal is moved away during an apply, the apply stops."""
    log = folder.open_log()
    log.prepare_append(0)
    log.append(1, [b"one\n"])
    if how == "shortened":
        os.truncate(path, 2)
    else:
        path.unlink()
    if how == "replaced":
        path.write_bytes(b"one\n")
    with pytest.raises(PreconditionFailed):
        log.append(2, [b"two\n"])
