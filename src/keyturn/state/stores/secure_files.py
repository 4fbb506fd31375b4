"""Opens and writes the files of a state: regular files, no symbolic links, accessible to the owner only."""

import errno
import os
import stat
from pathlib import Path

from keyturn.model.diagnostic import DiagnosticError, storage_error

_DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PERMISSION_ERRNOS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_sync_file = getattr(os, "fdatasync", os.fsync)


def open_regular_file(path: Path, flags: int) -> int | None:
    """Return the file descriptor of a regular file, None if it does not exist; new files have mode 0600.

    Raises DiagnosticError: KT607 for a link, a pipe or a folder, and that of ``io_error``.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe at this path would block.
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise (
            not_regular_error(path)
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO)
            else io_error(path, error)
        ) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise not_regular_error(path)
    return handle


def write_durably(handle: int, data: bytes) -> None:
    """Write ``data`` and flush it to disk; raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
    _sync_file(handle)


def sync_directory(path: Path) -> None:
    """Flush the names in a folder to disk; raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def not_regular_error(path: Path) -> DiagnosticError:
    """Return KT607 for a path that is not a regular file or folder."""
    message = "this must be a regular file or folder of the state, not a link, a pipe or a device"
    return storage_error("KT607", str(path), message, "remove it, or change `state:` in keyturn.yaml")


def io_error(path: Path, error: OSError) -> DiagnosticError:
    """Return the diagnostic of a failed operation: KT605 permissions, KT608 full disk, KT604 other."""
    reason = os.strerror(error.errno or 0)
    if error.errno in _PERMISSION_ERRNOS:
        hint = "make the user of keyturn the owner of this folder, on a writable file system"
        return storage_error("KT605", str(path), f"access to the state is denied: {reason}", hint)
    if error.errno in _DISK_FULL_ERRNOS:
        return storage_error(
            "KT608", str(path), f"no space for the state: {reason}", "free disk space, then run again"
        )
    return storage_error(
        "KT604", str(path), f"the state is unreachable: {reason}", "check the disk, then run again"
    )
