"""Atomic file writes: a synced temporary file replaces the target; one writer per folder at a time."""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from keyturn.files.discovery import load_file, open_folder
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic

TEMPORARY_PREFIX: Final = ".keyturn-"
"""The prefix of temporary files; discovery ignores names that start with a dot."""

_TEMPORARY_NAME: Final = re.compile(rf"{re.escape(TEMPORARY_PREFIX)}[0-9a-f]{{16}}\.yaml")
_CREATE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_UNSUPPORTED_ERRNOS: Final = frozenset(
    {errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}
)
"""What a call returns on a file system without it: NFS, SMB, exFAT, shared folders of virtual machines."""

_PUBLIC_MODE: Final = 0o644
_PRIVATE_MODE: Final = 0o600


@contextmanager
def lock_for_writing(root: Path, relative: str, *, new: bool = False) -> Iterator["AtomicFile"]:
    """Lock the folder of a file below ``root`` for writing; ``new`` creates missing folders.

    Waits for other writers of the folder, and deletes the temporary files of killed writers. On a file
    system without locks, writers do not wait: ``replace`` still finds a change. Raises DiagnosticError
    as ``open_folder`` does.
    """
    path = PurePosixPath(relative)
    handle = open_folder(root, str(path.parent), make=new)
    try:
        if _is_supported(lambda: fcntl.flock(handle, fcntl.LOCK_EX)):
            _delete_leftovers(handle)
        yield AtomicFile(root, relative, handle)
    finally:
        os.close(handle)


class AtomicFile(Struct, frozen=True):
    """A file in a locked folder; ``folder_handle`` is the open folder."""

    root: Path
    relative: str
    folder_handle: int

    @contextmanager
    def create_private_copy(self, data: bytes) -> Iterator[Path]:
        """Yield the path of a private temporary file with ``data`` in the same folder; delete it at exit."""
        name = self._write_temporary(data, _PRIVATE_MODE)
        try:
            yield (self.root / self.relative).with_name(name)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.folder_handle)

    def replace(self, data: bytes, expected: str) -> None:
        """Replace the file; raises DiagnosticError (KT226) if its SHA-256 is not ``expected``."""
        mode = os.stat(self._name, dir_fd=self.folder_handle, follow_symlinks=False).st_mode & 0o777
        name = self._write_temporary(data, mode)
        if load_file(self.root, self.relative).digest != expected:
            os.unlink(name, dir_fd=self.folder_handle)
            raise DiagnosticError(_changed_file_error(self.relative))
        self._rename_temporary(name)

    def create(self, data: bytes) -> None:
        """Create the file; raises DiagnosticError (KT229) if it exists."""
        name = self._write_temporary(data, _PUBLIC_MODE)
        try:
            if not _is_supported(lambda: self._link_temporary(name)):
                # The empty file claims the name, then the content replaces it.
                os.close(os.open(self._name, _CREATE_FLAGS, _PUBLIC_MODE, dir_fd=self.folder_handle))
                self._rename_temporary(name)
        except FileExistsError:
            raise DiagnosticError(_existing_file_error(self.relative)) from None
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.folder_handle)
        _sync_handle(self.folder_handle)

    @property
    def _name(self) -> str:
        return PurePosixPath(self.relative).name

    def _link_temporary(self, name: str) -> None:
        folder = self.folder_handle
        os.link(name, self._name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)

    def _rename_temporary(self, name: str) -> None:
        os.replace(name, self._name, src_dir_fd=self.folder_handle, dst_dir_fd=self.folder_handle)
        _sync_handle(self.folder_handle)

    def _write_temporary(self, data: bytes, mode: int) -> str:
        name = f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}.yaml"
        handle = os.open(name, _CREATE_FLAGS, _PRIVATE_MODE, dir_fd=self.folder_handle)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            _is_supported(lambda: os.fchmod(handle, mode))
            _sync_handle(handle)
        return name


def _is_supported(call: Callable[[], None]) -> bool:
    try:
        call()
    except OSError as error:
        if error.errno in _UNSUPPORTED_ERRNOS:
            return False
        raise
    return True


def _sync_handle(handle: int) -> None:
    _is_supported(lambda: os.fsync(handle))


def _delete_leftovers(folder: int) -> None:
    for name in os.listdir(folder):
        if _TEMPORARY_NAME.fullmatch(name):
            os.unlink(name, dir_fd=folder)


def _changed_file_error(relative: str) -> Diagnostic:
    message = "another process changed the file; nothing was written"
    return error_diagnostic(
        "KT226", SourceLocation(relative), message, "check the file, then run the command again"
    )


def _existing_file_error(relative: str) -> Diagnostic:
    return error_diagnostic(
        "KT229", SourceLocation(relative), "a file with this name already exists", "choose another name"
    )
