"""Files of the state."""

import errno
import os
import stat

import pytest

from keyturn.state.stores.secure_files import (
    io_error,
    not_regular_error,
    open_regular_file,
    sync_directory,
    write_durably,
)


def test_a_new_file_is_accessible_to_its_owner_only(tmp_path):
    """Whatever the umask is."""
    path = tmp_path / "a"
    before = os.umask(0)
    try:
        handle = open_regular_file(path, os.O_WRONLY | os.O_CREAT)
    finally:
        os.umask(before)
    write_durably(handle, b"abc")
    os.close(handle)
    sync_directory(tmp_path)
    assert path.read_bytes() == b"abc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_file_is_none(tmp_path):
    """Opening it for reading returns None."""
    assert open_regular_file(tmp_path / "a", os.O_RDONLY) is None


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR | os.O_CREAT])
def test_a_path_that_is_not_a_regular_file_is_refused(tmp_path, assert_refused, kind, flags):
    """Links are not followed, and a pipe does not block."""
    path = tmp_path / "a"
    (tmp_path / "target").write_text("precious")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / ("target" if kind == "link" else "nothing"))
    with assert_refused("KT607") as found:
        open_regular_file(path, flags)
    assert found[0].origin.file == str(path)
    assert (tmp_path / "target").read_text() == "precious"
    assert not_regular_error(path).diagnostics == tuple(found)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "KT608"),
        (errno.EDQUOT, "KT608"),
        (errno.EFBIG, "KT608"),
        (errno.EROFS, "KT605"),
        (errno.EACCES, "KT605"),
        (errno.EPERM, "KT605"),
        (errno.EIO, "KT604"),
        (errno.ENOTDIR, "KT604"),
    ],
)
def test_errors_are_told_apart_by_their_fix(tmp_path, number, code):
    """Disk space, permissions and others."""
    (finding,) = io_error(tmp_path, OSError(number, "x")).diagnostics
    assert finding.code == code
    assert os.strerror(number) in finding.message
