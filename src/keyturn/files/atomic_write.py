"""Putting a file in its place: written aside, synced, moved there at once, one writer per folder."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from keyturn.files.discovery import load_file, open_folder
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic

TEMPORARY_PREFIX: Final = ".keyturn-"
"""How the names of files begin that are not in their place yet; walks pass them over."""

_CREATE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PUBLIC_MODE: Final = 0o644
_PRIVATE_MODE: Final = 0o600


@contextmanager
def lock_for_writing(root: Path, relative: str, *, new: bool = False) -> Iterator["AtomicFile"]:
    """Hold the folder of a file below ``root`` for writing; ``new`` makes folders that are missing.

    Writers of one folder wait for each other. What an earlier one left behind when it was killed
    is cleared away. Raises Faulty as ``files.load_file`` does for a folder.
    """
    path = PurePosixPath(relative)
    handle = open_folder(root, str(path.parent), make=new)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for name in os.listdir(handle):  # noqa: PTH208
            if name.startswith(TEMPORARY_PREFIX):
                os.unlink(name, dir_fd=handle)
        yield AtomicFile(root, relative, handle)
    finally:
        os.close(handle)


class AtomicFile(Struct, frozen=True):
    """A file that may be written; ``handle`` is its folder, locked."""

    root: Path
    relative: str
    folder_handle: int

    @contextmanager
    def create_private_copy(self, data: bytes) -> Iterator[Path]:
        """Yield the path of a private file beside the file, which holds ``data`` and is gone afterwards."""
        name = self._write_temporary(data, _PRIVATE_MODE)
        try:
            yield (self.root / self.relative).with_name(name)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.folder_handle)

    def replace(self, data: bytes, expected: str) -> None:
        """Put ``data`` in the file's place, unless its SHA-256 is no longer ``expected`` (KT226)."""
        here = PurePosixPath(self.relative).name
        mode = os.stat(here, dir_fd=self.folder_handle, follow_symlinks=False).st_mode & 0o777
        name = self._write_temporary(data, mode)
        if load_file(self.root, self.relative).digest != expected:
            os.unlink(name, dir_fd=self.folder_handle)
            raise DiagnosticError(_changed_file_error(self.relative))
        os.replace(name, here, src_dir_fd=self.folder_handle, dst_dir_fd=self.folder_handle)
        os.fsync(self.folder_handle)

    def create(self, data: bytes) -> None:
        """Put ``data`` where no file is; raises Faulty (KT229) where one is."""
        name = self._write_temporary(data, _PUBLIC_MODE)
        here = PurePosixPath(self.relative).name
        try:
            os.link(
                name,
                here,
                src_dir_fd=self.folder_handle,
                dst_dir_fd=self.folder_handle,
                follow_symlinks=False,
            )
        except FileExistsError:
            raise DiagnosticError(_existing_file_error(self.relative)) from None
        finally:
            os.unlink(name, dir_fd=self.folder_handle)
        os.fsync(self.folder_handle)

    def _write_temporary(self, data: bytes, mode: int) -> str:
        name = f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}.yaml"
        handle = os.open(name, _CREATE_FLAGS, _PRIVATE_MODE, dir_fd=self.folder_handle)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        return name


def _changed_file_error(relative: str) -> Diagnostic:
    message = "somebody else wrote the file in the meantime; nothing was changed"
    return error_diagnostic(
        "KT226", SourceLocation(relative), message, "look at the file, then run the command again"
    )


def _existing_file_error(relative: str) -> Diagnostic:
    return error_diagnostic(
        "KT229", SourceLocation(relative), "there is a file of this name already", "choose another name"
    )
