"""Store in a folder: a file lock protects each compare-and-swap, and each write replaces the whole file.

A process that holds the lock of the state keeps a locked liveness file, which shows that it is alive.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from keyturn.model.diagnostic import DiagnosticError
from keyturn.state.stores.base import NO_ETAG, LogLine, PreconditionFailed, StoredObject
from keyturn.state.stores.secure_files import (
    io_error,
    not_regular_error,
    open_regular_file,
    sync_directory,
    write_durably,
)

JOURNAL_FILE = "journal.jsonl"
"""The name of the journal file."""

_GUARD_FILE = ".guard"
_TEMPORARY_FILE = ".aside"
_LIVENESS_PREFIX = ".alive-"


class FileLog:
    """A log in a file; the mark of a line is its offset. A failed write is truncated.

    ``make_directory`` creates the folder.
    """

    def __init__(self, path: Path, make_directory: Callable[[], None]) -> None:
        self._path, self._make_directory = path, make_directory
        self._handle = -1
        self._end_offset = 0

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)

    def read(self, mark: int) -> Iterator[LogLine]:
        """Yield the lines from the offset ``mark`` on; see ``AppendLog.read``."""
        handle = open_regular_file(self._path, os.O_RDONLY)
        if handle is None:
            return
        with os.fdopen(handle, "rb") as file:
            file.seek(mark)
            for data in file:
                yield LogLine(mark, data)
                mark += len(data)

    def prepare_append(self, torn: int) -> None:
        """Open the file and remove ``torn`` bytes at its end; see ``AppendLog.prepare_append``."""
        self._make_directory()
        handle = open_regular_file(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        if handle is None:
            raise io_error(self._path, FileNotFoundError(2, ""))
        self._handle = handle
        self._end_offset = os.fstat(handle).st_size - torn
        if b"\n" in os.pread(handle, torn, self._end_offset):
            raise PreconditionFailed
        try:
            os.ftruncate(handle, self._end_offset)
            os.fsync(handle)
            sync_directory(self._path.parent)
        except OSError as error:
            raise io_error(self._path, error) from None

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """Append ``lines`` and flush them to disk; see ``AppendLog.append``. ``first`` is not used."""
        del first
        # The lock of the state separates writers; this one stops a writer that lost it.
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            status = os.fstat(self._handle)
            if status.st_size != self._end_offset or not status.st_nlink:
                raise PreconditionFailed
            self._write_data(b"".join(lines))
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)
        return self._end_offset - len(lines[-1])

    def _write_data(self, data: bytes) -> None:
        try:
            write_durably(self._handle, data)
        except OSError as error:
            os.ftruncate(self._handle, self._end_offset)
            raise io_error(self._path, error) from None
        self._end_offset += len(data)


class DirectoryStore(Struct, frozen=True):
    """A store in the folder ``parts`` below ``root``; an etag is the SHA-256 of the content.

    ``location`` is the address that the user wrote. No folder below ``root`` may be a symbolic link. The
    first write creates the folder with mode 0700.
    """

    root: Path
    parts: tuple[str, ...]
    location: str

    @property
    def path(self) -> Path:
        """The folder of the store."""
        return self.root.joinpath(*self.parts)

    def read(self, key: str) -> StoredObject | None:
        """Return the file, or None; see ``StateStore.read``."""
        self._reject_links()
        handle = open_regular_file(self.path / key, os.O_RDONLY)
        if handle is None:
            return None
        with os.fdopen(handle, "rb") as file:
            data = file.read()
            modified = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        return StoredObject(data, hashlib.sha256(data).hexdigest(), modified)

    def put(self, key: str, data: bytes, expect: str) -> str:
        """Replace the file atomically; see ``StateStore.put``."""
        with self._hold_guard():
            self._require_etag(key, expect)
            try:
                self._replace_file(key, data)
            except OSError as error:
                raise io_error(self.path / key, error) from None
        return hashlib.sha256(data).hexdigest()

    def delete(self, key: str) -> None:
        """Delete the file; see ``StateStore.delete``."""
        with self._hold_guard():
            try:
                (self.path / key).unlink(missing_ok=True)
                sync_directory(self.path)
            except OSError as error:
                raise io_error(self.path / key, error) from None

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """Return the names of the files; see ``StateStore.list_keys``."""
        self._reject_links()
        names = (file.name for file in self.path.iterdir()) if self.path.is_dir() else ()
        matching = (name for name in names if name.startswith(prefix) and name > after)
        return tuple(sorted(name for name in matching if not name.startswith(".")))

    def current_time(self) -> datetime:
        """Return the time of the file system."""
        with self._hold_guard() as handle:
            os.utime(handle)
            return datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)

    def announce_alive(self, holder: str) -> Callable[[], None]:
        """Create a liveness file; see ``StateStore.announce_alive``."""
        self._make_directory()
        return announce_alive(self.path, holder)

    def is_holder_dead(self, holder: str) -> bool:
        """Check the liveness file of ``holder``; see ``StateStore.is_holder_dead``."""
        self._reject_links()
        return is_holder_dead(self.path, holder)

    def open_log(self) -> FileLog:
        """Return the log in the journal file."""
        self._reject_links()
        return FileLog(self.path / JOURNAL_FILE, self._make_directory)

    def _require_etag(self, key: str, expect: str) -> None:
        found = self.read(key)
        if (found.etag if found else NO_ETAG) != expect:
            raise PreconditionFailed

    def _replace_file(self, key: str, data: bytes) -> None:
        # Under the guard, one temporary name is enough, and a killed writer leaves at most one file.
        temporary = self.path / _TEMPORARY_FILE
        temporary.unlink(missing_ok=True)
        handle = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            write_durably(handle, data)
        finally:
            os.close(handle)
        temporary.replace(self.path / key)
        sync_directory(self.path)

    @contextmanager
    def _hold_guard(self) -> Iterator[int]:
        self._make_directory()
        handle = open_regular_file(self.path / _GUARD_FILE, os.O_RDWR | os.O_CREAT)
        if handle is None:
            raise self._vanished_error()
        try:
            self._lock_guard(handle)
            yield handle
        finally:
            os.close(handle)

    def _lock_guard(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise io_error(self.path / _GUARD_FILE, error) from None

    def _make_directory(self) -> None:
        self._reject_links()
        try:
            for depth in range(1, len(self.parts) + 1):
                self.root.joinpath(*self.parts[:depth]).mkdir(mode=0o700, exist_ok=True)
        except FileExistsError:
            raise not_regular_error(self.path) from None
        except OSError as error:
            raise io_error(self.path, error) from None

    def _reject_links(self) -> None:
        for depth in range(1, len(self.parts) + 1):
            folder = self.root.joinpath(*self.parts[:depth])
            if folder.is_symlink():
                raise not_regular_error(folder)

    def _vanished_error(self) -> DiagnosticError:
        return io_error(self.path, FileNotFoundError(2, ""))


def announce_alive(folder: Path, holder: str) -> Callable[[], None]:
    """Create and lock the liveness file of ``holder``, delete stale ones; call the result to delete it."""
    for file in folder.glob(f"{_LIVENESS_PREFIX}*"):
        if _is_unlocked(file):
            file.unlink(missing_ok=True)
    path = _liveness_path(folder, holder)
    handle = open_regular_file(path, os.O_RDWR | os.O_CREAT)
    if handle is None:
        return _do_nothing
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)  # Already locked, or no lock support: then only the lease counts.
        return _do_nothing

    def stop_announcing() -> None:
        path.unlink(missing_ok=True)
        os.close(handle)

    return stop_announcing


def is_holder_dead(folder: Path, holder: str) -> bool:
    """Tell whether the process of ``holder`` is dead; False if it has no liveness file."""
    return _is_unlocked(_liveness_path(folder, holder))


def _liveness_path(folder: Path, holder: str) -> Path:
    return folder / (_LIVENESS_PREFIX + hashlib.sha256(holder.encode()).hexdigest()[:16])


def _is_unlocked(file: Path) -> bool:
    handle = open_regular_file(file, os.O_RDONLY)
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
