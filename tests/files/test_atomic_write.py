"""Putting a file in its place."""

import select
import signal
import stat
import subprocess
import sys

import pytest

from keyturn.files.atomic_write import lock_for_writing
from keyturn.files.discovery import load_file, load_manifest_files
from keyturn.model.diagnostic import DiagnosticError


def codes(act):
    """Return the codes of what an act raises."""
    with pytest.raises(DiagnosticError) as caught:
        act()
    return [finding.code for finding in caught.value.diagnostics]


@pytest.fixture
def root(tmp_path):
    """Return a root with one file."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m/a.yaml").write_text("old: 1\n")
    (tmp_path / "m/a.yaml").chmod(0o640)
    return tmp_path


def names(root):
    """Return what is in the folder."""
    return sorted(path.name for path in (root / "m").iterdir())


def test_replaces_a_file_and_keeps_its_mode(root):
    """The new content is there at once; nothing is left beside it."""
    digest = load_file(root, "m/a.yaml").digest
    with lock_for_writing(root, "m/a.yaml") as target:
        target.replace(b"new: 1\n", digest)
    assert (root / "m/a.yaml").read_bytes() == b"new: 1\n"
    assert stat.S_IMODE((root / "m/a.yaml").stat().st_mode) == 0o640
    assert names(root) == ["a.yaml"]


def test_keeps_what_somebody_else_wrote(root):
    """A file that changed in the meantime is not overwritten."""
    digest = load_file(root, "m/a.yaml").digest
    with lock_for_writing(root, "m/a.yaml") as target:
        (root / "m/a.yaml").write_text("theirs: 1\n")
        assert codes(lambda: target.replace(b"new: 1\n", digest)) == ["KT226"]
    assert (root / "m/a.yaml").read_text() == "theirs: 1\n"
    assert names(root) == ["a.yaml"]


def test_creates_a_file_but_never_over_another(root):
    """Folders are made as needed; a file that is there stays."""
    with lock_for_writing(root, "deep/er/b.yaml", new=True) as target:
        target.create(b"b: 1\n")
    assert (root / "deep/er/b.yaml").read_bytes() == b"b: 1\n"
    assert stat.S_IMODE((root / "deep/er/b.yaml").stat().st_mode) == 0o644
    with lock_for_writing(root, "m/a.yaml", new=True) as target:
        assert codes(lambda: target.create(b"b: 1\n")) == ["KT229"]
    assert (root / "m/a.yaml").read_text() == "old: 1\n"
    assert names(root) == ["a.yaml"]


def test_a_copy_is_private_and_gone_afterwards(root):
    """Only its owner may read it, and no walk takes it for a manifest."""
    with lock_for_writing(root, "m/a.yaml") as target, target.create_private_copy(b"c: 1\n") as copy:
        assert copy.read_bytes() == b"c: 1\n"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert [source.relative for source in load_manifest_files(root, ["m"])] == ["m/a.yaml"]
    assert names(root) == ["a.yaml"]


@pytest.mark.parametrize("relative", ["../x/a.yaml", "/etc/a.yaml", "link/a.yaml", "link/new/a.yaml"])
def test_does_not_leave_the_root(root, relative):
    """Neither upwards nor through a symlink."""
    outside = root.parent / f"{root.name}-outside"
    outside.mkdir()
    (root / "link").symlink_to(outside)
    for new in (False, True):
        with pytest.raises(DiagnosticError), lock_for_writing(root, relative, new=new):
            pass
    assert not (root.parent / "x").exists()
    assert list(outside.iterdir()) == []


_HOLD = """
import sys, pathlib
from keyturn.files.atomic_write import lock_for_writing
with lock_for_writing(pathlib.Path(sys.argv[1]), "m/a.yaml") as target, target.create_private_copy(b"c: 1") as copy:
    print("held", flush=True)
    sys.stdin.readline()
"""
_WAIT = """
import sys, pathlib
from keyturn.files.atomic_write import lock_for_writing
print("begun", flush=True)
with lock_for_writing(pathlib.Path(sys.argv[1]), "m/a.yaml") as target:
    print("held", flush=True)
"""


def _python(code, root):
    return subprocess.Popen(
        [sys.executable, "-c", code, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_writers_of_one_folder_wait_for_each_other(root):
    """The second one begins when the first is through."""
    with _python(_HOLD, root) as first:
        assert first.stdout.readline() == "held\n"
        with _python(_WAIT, root) as second:
            assert second.stdout.readline() == "begun\n"
            early, *_ = select.select([second.stdout], [], [], 0.2)
            first.stdin.write("\n")
            first.stdin.close()
            assert second.stdout.readline() == "held\n"
    assert not early


def test_what_a_killed_writer_left_is_cleared_away(root):
    """A copy outlives its writer only until the next one comes."""
    with _python(_HOLD, root) as first:
        assert first.stdout.readline() == "held\n"
        assert len(names(root)) == 2
        first.send_signal(signal.SIGKILL)
    assert len(names(root)) == 2
    with lock_for_writing(root, "m/a.yaml"):
        assert names(root) == ["a.yaml"]
