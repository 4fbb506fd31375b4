"""Atomic file writes."""

import errno
import select
import signal
import stat
import subprocess
import sys

import pytest

from keyturn.files.atomic_write import lock_for_writing
from keyturn.files.discovery import find_manifests, load_file
from keyturn.model.diagnostic import DiagnosticError


def codes(call):
    """Return the codes of the diagnostics that a call raises."""
    with pytest.raises(DiagnosticError) as caught:
        call()
    return [finding.code for finding in caught.value.diagnostics]


@pytest.fixture
def root(tmp_path):
    """Return a root with one file."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m/a.yaml").write_text("old: 1\n")
    (tmp_path / "m/a.yaml").chmod(0o640)
    return tmp_path


def names(root):
    """Return the names in the folder."""
    return sorted(path.name for path in (root / "m").iterdir())


def test_replaces_a_file_and_keeps_its_mode(root):
    """No temporary file remains."""
    digest = load_file(root, "m/a.yaml").digest
    with lock_for_writing(root, "m/a.yaml") as target:
        target.replace(b"new: 1\n", digest)
    assert (root / "m/a.yaml").read_bytes() == b"new: 1\n"
    assert stat.S_IMODE((root / "m/a.yaml").stat().st_mode) == 0o640
    assert names(root) == ["a.yaml"]


def test_keeps_the_change_of_another_writer(root):
    """A file whose digest changed is not overwritten."""
    digest = load_file(root, "m/a.yaml").digest
    with lock_for_writing(root, "m/a.yaml") as target:
        (root / "m/a.yaml").write_text("theirs: 1\n")
        assert codes(lambda: target.replace(b"new: 1\n", digest)) == ["KT226"]
    assert (root / "m/a.yaml").read_text() == "theirs: 1\n"
    assert names(root) == ["a.yaml"]


def test_creates_a_file_but_does_not_overwrite(root):
    """Missing folders are created; an existing file is kept."""
    with lock_for_writing(root, "deep/er/b.yaml", new=True) as target:
        target.create(b"b: 1\n")
    assert (root / "deep/er/b.yaml").read_bytes() == b"b: 1\n"
    assert stat.S_IMODE((root / "deep/er/b.yaml").stat().st_mode) == 0o644
    with lock_for_writing(root, "m/a.yaml", new=True) as target:
        assert codes(lambda: target.create(b"b: 1\n")) == ["KT229"]
    assert (root / "m/a.yaml").read_text() == "old: 1\n"
    assert names(root) == ["a.yaml"]


def test_a_copy_is_private_and_temporary(root):
    """Only the owner can read the copy, and discovery ignores it."""
    with lock_for_writing(root, "m/a.yaml") as target, target.create_private_copy(b"c: 1\n") as copy:
        assert copy.read_bytes() == b"c: 1\n"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert [source.relative for source in find_manifests(root, ["m"]).sources] == ["m/a.yaml"]
    assert names(root) == ["a.yaml"]


@pytest.mark.parametrize("relative", ["../x/a.yaml", "/etc/a.yaml", "link/a.yaml", "link/new/a.yaml"])
def test_does_not_leave_the_root(root, relative):
    """Paths with ``..``, absolute paths and symlinks are rejected."""
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
with lock_for_writing(pathlib.Path(sys.argv[1]), "m/a.yaml") as target:
    with target.create_private_copy(b"c: 1"):
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
    """The second writer starts when the first has finished."""
    with _python(_HOLD, root) as first:
        assert first.stdout.readline() == "held\n"
        with _python(_WAIT, root) as second:
            assert second.stdout.readline() == "begun\n"
            early, *_ = select.select([second.stdout], [], [], 0.2)
            first.stdin.write("\n")
            first.stdin.close()
            assert second.stdout.readline() == "held\n"
    assert not early


def test_deletes_the_copy_of_a_killed_writer(root):
    """The next writer deletes the copy."""
    with _python(_HOLD, root) as first:
        assert first.stdout.readline() == "held\n"
        assert len(names(root)) == 2
        first.send_signal(signal.SIGKILL)
    assert len(names(root)) == 2
    with lock_for_writing(root, "m/a.yaml"):
        assert names(root) == ["a.yaml"]


def test_keeps_the_hidden_files_of_a_user(root):
    """Only names that a writer makes are temporary."""
    (root / "m/.keyturn-notes").write_text("own\n")
    with lock_for_writing(root, "m/a.yaml"):
        assert names(root) == [".keyturn-notes", "a.yaml"]


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("fcntl.flock", errno.ENOLCK),
        ("fcntl.flock", errno.EOPNOTSUPP),
        ("os.fsync", errno.EINVAL),
        ("os.fchmod", errno.EPERM),
        ("os.link", errno.EPERM),
    ],
)
def test_a_file_system_may_lack_a_call(root, monkeypatch, call, number):
    """Files are replaced and created all the same, and an existing one is kept."""

    def fail(*_, **__):
        raise OSError(number, "not supported")

    monkeypatch.setattr(call, fail)
    digest = load_file(root, "m/a.yaml").digest
    with lock_for_writing(root, "m/a.yaml") as target:
        target.replace(b"new: 1\n", digest)
    with lock_for_writing(root, "m/b.yaml", new=True) as target:
        target.create(b"b: 1\n")
        assert codes(lambda: target.create(b"c: 1\n")) == ["KT229"]
    assert (root / "m/a.yaml").read_bytes() == b"new: 1\n"
    assert (root / "m/b.yaml").read_bytes() == b"b: 1\n"
    assert names(root) == ["a.yaml", "b.yaml"]


def test_another_error_is_no_lack(root, monkeypatch):
    """A full disk is not a file system without a call."""

    def fail(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("os.fsync", fail)
    digest = load_file(root, "m/a.yaml").digest
    with lock_for_writing(root, "m/a.yaml") as target, pytest.raises(OSError, match="full"):
        target.replace(b"new: 1\n", digest)
    assert (root / "m/a.yaml").read_text() == "old: 1\n"


def test_without_a_lock_no_other_temporary_file_is_deleted(root, monkeypatch):
    """It may be that of a writer that is at work."""

    def fail(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", fail)
    other = root / f"m/.keyturn-{'0' * 16}.yaml"
    other.write_text("theirs")
    with lock_for_writing(root, "m/a.yaml"):
        assert other.exists()
