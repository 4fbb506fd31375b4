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

from keyturn.ledger.disk import open_file

_SIGN = ".alive-"


def attend(folder: Path, holder: str) -> Callable[[], None]:
    """Put up the sign of ``holder`` and clear away those of the dead; the result takes it down."""
    for sign in folder.glob(f"{_SIGN}*"):
        if _unlocked(sign):
            sign.unlink(missing_ok=True)
    path = _path(folder, holder)
    handle = open_file(path, os.O_RDWR | os.O_CREAT)
    if handle is None:
        return _nothing
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)  # Ours already, or a file system without locks: then the lease alone counts.
        return _nothing

    def leave() -> None:
        path.unlink(missing_ok=True)
        os.close(handle)

    return leave


def deserted(folder: Path, holder: str) -> bool:
    """Tell whether the process that attended as ``holder`` is gone; False where nothing is known."""
    return _unlocked(_path(folder, holder))


def _path(folder: Path, holder: str) -> Path:
    return folder / (_SIGN + hashlib.sha256(holder.encode()).hexdigest()[:16])


def _unlocked(sign: Path) -> bool:
    handle = open_file(sign, os.O_RDONLY)
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


def _nothing() -> None:
    pass
