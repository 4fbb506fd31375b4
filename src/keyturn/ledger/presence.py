"""A sign of life beside the lock: the kernel takes it away when its process ends, however it ends.

It is a locked file of the holder's own. Whoever finds it unlocked, on the same machine, knows that
a kill or a crash left the lock behind, and need not wait until the lease is over. A process that
is merely stopped keeps its sign.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from keyturn.ledger.disk import open_regular_file

_LIVENESS_PREFIX = ".alive-"


def announce_alive(folder: Path, holder: str) -> Callable[[], None]:
    """Put up the sign of ``holder`` and clear away those of the dead; the result takes it down."""
    for sign in folder.glob(f"{_LIVENESS_PREFIX}*"):
        if _is_unlocked(sign):
            sign.unlink(missing_ok=True)
    path = _liveness_path(folder, holder)
    handle = open_regular_file(path, os.O_RDWR | os.O_CREAT)
    if handle is None:
        return _do_nothing
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)  # Ours already, or a file system without locks: then the lease alone counts.
        return _do_nothing

    def stop_announcing() -> None:
        path.unlink(missing_ok=True)
        os.close(handle)

    return stop_announcing


def is_holder_dead(folder: Path, holder: str) -> bool:
    """Tell whether the process that attended as ``holder`` is gone; False where nothing is known."""
    return _is_unlocked(_liveness_path(folder, holder))


def _liveness_path(folder: Path, holder: str) -> Path:
    return folder / (_LIVENESS_PREFIX + hashlib.sha256(holder.encode()).hexdigest()[:16])


def _is_unlocked(sign: Path) -> bool:
    handle = open_regular_file(sign, os.O_RDONLY)
    if handle is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(handle)


def _do_nothing() -> None:
    pass
