"""Files as the state wants them: regular, never through a link, readable by their owner alone."""

import errno
import os
import stat
from pathlib import Path

from keyturn.model.diagnostic import DiagnosticError, storage_error

_DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PERMISSION_ERRNOS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_sync_file = getattr(os, "fdatasync", os.fsync)


def open_regular_file(path: Path, flags: int) -> int | None:
    """Open a regular file, with mode 0600 where it is made; None where there is none.

    Raises Faulty: KT607 for a link, a pipe or a folder, and as ``broken`` does.
    """
    try:
        # Without O_NONBLOCK, a named pipe put in the file's place would hold us for ever.
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
    """Write all of ``data`` and return when it is on disk; raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
    _sync_file(handle)


def sync_directory(path: Path) -> None:
    """Return when the names in a folder are on disk; raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def not_regular_error(path: Path) -> DiagnosticError:
    """Return KT607 for a path that is not what it must be."""
    message = "the state is kept in regular files; this is a link, a folder or a device"
    return storage_error(
        "KT607", str(path), message, "remove it, or give the state another place in keyturn.yaml"
    )


def io_error(path: Path, error: OSError) -> DiagnosticError:
    """Return the finding for a failed operation: KT605 forbidden, KT608 disk full, KT604 the rest."""
    reason = os.strerror(error.errno or 0)
    if error.errno in _PERMISSION_ERRNOS:
        hint = "let the user who runs keyturn own this folder, on a file system that can be written"
        return storage_error("KT605", str(path), f"the state's folder refuses: {reason}", hint)
    if error.errno in _DISK_FULL_ERRNOS:
        return storage_error(
            "KT608", str(path), f"no room for the state: {reason}", "make room, then run again"
        )
    return storage_error(
        "KT604", str(path), f"the state cannot be reached: {reason}", "look at the disk, run again"
    )
