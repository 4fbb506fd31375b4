"""A ledger in a folder: a lock around each compare-and-swap, files replaced whole."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from keyturn.core.diagnostic import Faulty
from keyturn.ledger import presence
from keyturn.ledger.disk import broken, flush_folder, irregular, open_file, write_out
from keyturn.ledger.medium import ABSENT, Blob, Moved
from keyturn.ledger.tape import JOURNAL, FileTape

_GUARD = ".guard"
_ASIDE = ".aside"


class Folder(Struct, frozen=True):
    """A store in the folder ``parts`` below ``root``; an etag is the SHA-256 of the content.

    ``place`` is what the user wrote. Nothing below ``root`` may be a link. The first write makes the
    folder, for its owner alone.
    """

    root: Path
    parts: tuple[str, ...]
    place: str

    @property
    def path(self) -> Path:
        """The folder."""
        return self.root.joinpath(*self.parts)

    def read(self, key: str) -> Blob | None:
        """Return the file, or None."""
        self._refuse_links()
        handle = open_file(self.path / key, os.O_RDONLY)
        if handle is None:
            return None
        with os.fdopen(handle, "rb") as file:
            data = file.read()
            modified = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        return Blob(data, hashlib.sha256(data).hexdigest(), modified)

    def put(self, key: str, data: bytes, expect: str) -> str:
        """Replace the file, readers see the old or the new; see ``Store.put``."""
        with self._guarded():
            self._compare(key, expect)
            try:
                self._replace(key, data)
            except OSError as error:
                raise broken(self.path / key, error) from None
        return hashlib.sha256(data).hexdigest()

    def keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """Return the names of files; see ``Store.keys``."""
        self._refuse_links()
        names = (file.name for file in self.path.iterdir()) if self.path.is_dir() else ()
        kept = (name for name in names if name.startswith(prefix) and name > after)
        return tuple(sorted(name for name in kept if not name.startswith(".")))

    def now(self) -> datetime:
        """Return the file system's time."""
        with self._guarded() as handle:
            os.utime(handle)
            return datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)

    def attend(self, holder: str) -> Callable[[], None]:
        """Put up a sign of life beside the lock; see ``Store.attend``."""
        self._make()
        return presence.attend(self.path, holder)

    def deserted(self, holder: str) -> bool:
        """Look at a sign of life; see ``Store.deserted``."""
        self._refuse_links()
        return presence.deserted(self.path, holder)

    def tape(self) -> FileTape:
        """Return the journal's file."""
        self._refuse_links()
        return FileTape(self.path / JOURNAL, self._make)

    def _compare(self, key: str, expect: str) -> None:
        found = self.read(key)
        if (found.etag if found else ABSENT) != expect:
            raise Moved

    def _replace(self, key: str, data: bytes) -> None:
        # The guard is held, so that one name serves every writer, and a killed one leaves one file.
        aside = self.path / _ASIDE
        aside.unlink(missing_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            write_out(handle, data)
        finally:
            os.close(handle)
        aside.replace(self.path / key)
        flush_folder(self.path)

    @contextmanager
    def _guarded(self) -> Iterator[int]:
        self._make()
        handle = open_file(self.path / _GUARD, os.O_RDWR | os.O_CREAT)
        if handle is None:
            raise self._vanished()
        try:
            self._wait_for(handle)
            yield handle
        finally:
            os.close(handle)

    def _wait_for(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise broken(self.path / _GUARD, error) from None

    def _make(self) -> None:
        self._refuse_links()
        try:
            for depth in range(1, len(self.parts) + 1):
                self.root.joinpath(*self.parts[:depth]).mkdir(mode=0o700, exist_ok=True)
        except FileExistsError:
            raise irregular(self.path) from None
        except OSError as error:
            raise broken(self.path, error) from None

    def _refuse_links(self) -> None:
        for depth in range(1, len(self.parts) + 1):
            step = self.root.joinpath(*self.parts[:depth])
            if step.is_symlink():
                raise irregular(step)

    def _vanished(self) -> Faulty:
        return broken(self.path, FileNotFoundError(2, ""))
