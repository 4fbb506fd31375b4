"""A ledger in a folder: a lock around each compare-and-swap, files replaced whole."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from keyturn.core.diagnostic import DiagnosticError
from keyturn.ledger import presence
from keyturn.ledger.disk import io_error, sync_directory, not_regular_error, open_regular_file, write_durably
from keyturn.ledger.medium import NO_ETAG, StoredObject, PreconditionFailed
from keyturn.ledger.tape import JOURNAL_FILE, FileLog

_GUARD_FILE = ".guard"
_TEMPORARY_FILE = ".aside"


class DirectoryStore(Struct, frozen=True):
    """A store in the folder ``parts`` below ``root``; an etag is the SHA-256 of the content.

    ``place`` is what the user wrote. Nothing below ``root`` may be a link. The first write makes the
    folder, for its owner alone.
    """

    root: Path
    parts: tuple[str, ...]
    location: str

    @property
    def path(self) -> Path:
        """The folder."""
        return self.root.joinpath(*self.parts)

    def read(self, key: str) -> StoredObject | None:
        """Return the file, or None."""
        self._reject_links()
        handle = open_regular_file(self.path / key, os.O_RDONLY)
        if handle is None:
            return None
        with os.fdopen(handle, "rb") as file:
            data = file.read()
            modified = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        return StoredObject(data, hashlib.sha256(data).hexdigest(), modified)

    def put(self, key: str, data: bytes, expect: str) -> str:
        """Replace the file, readers see the old or the new; see ``Store.put``."""
        with self._hold_guard():
            self._require_etag(key, expect)
            try:
                self._replace_file(key, data)
            except OSError as error:
                raise io_error(self.path / key, error) from None
        return hashlib.sha256(data).hexdigest()

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """Return the names of files; see ``Store.keys``."""
        self._reject_links()
        names = (file.name for file in self.path.iterdir()) if self.path.is_dir() else ()
        kept = (name for name in names if name.startswith(prefix) and name > after)
        return tuple(sorted(name for name in kept if not name.startswith(".")))

    def current_time(self) -> datetime:
        """Return the file system's time."""
        with self._hold_guard() as handle:
            os.utime(handle)
            return datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)

    def announce_alive(self, holder: str) -> Callable[[], None]:
        """Put up a sign of life beside the lock; see ``Store.attend``."""
        self._make_directory()
        return presence.announce_alive(self.path, holder)

    def is_holder_dead(self, holder: str) -> bool:
        """Look at a sign of life; see ``Store.deserted``."""
        self._reject_links()
        return presence.is_holder_dead(self.path, holder)

    def open_log(self) -> FileLog:
        """Return the journal's file."""
        self._reject_links()
        return FileLog(self.path / JOURNAL_FILE, self._make_directory)

    def _require_etag(self, key: str, expect: str) -> None:
        found = self.read(key)
        if (found.etag if found else NO_ETAG) != expect:
            raise PreconditionFailed

    def _replace_file(self, key: str, data: bytes) -> None:
        # The guard is held, so that one name serves every writer, and a killed one leaves one file.
        aside = self.path / _TEMPORARY_FILE
        aside.unlink(missing_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            write_durably(handle, data)
        finally:
            os.close(handle)
        aside.replace(self.path / key)
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
            step = self.root.joinpath(*self.parts[:depth])
            if step.is_symlink():
                raise not_regular_error(step)

    def _vanished_error(self) -> DiagnosticError:
        return io_error(self.path, FileNotFoundError(2, ""))
