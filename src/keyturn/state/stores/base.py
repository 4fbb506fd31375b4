"""Interfaces of a store: small objects with compare-and-swap, and an append-only log."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

NO_ETAG = ""
"""The expected etag of an object that does not exist."""


class StoredObject(Struct, frozen=True):
    """An object of a store; ``etag`` identifies its content, ``modified`` is a time of the store's clock."""

    data: bytes
    etag: str
    modified: datetime


class PreconditionFailed(Exception):
    """The object does not have the expected etag, or the log has grown; nothing was written."""


class LogLine(Struct, frozen=True):
    """A line of a log with its newline; a read from ``mark`` starts at or before this line."""

    mark: int
    data: bytes


class AppendLog(Protocol):
    """An append-only log of lines."""

    def read(self, mark: int) -> Iterator[LogLine]:
        """Yield the lines from ``mark`` (0: the first) on; an incomplete last line has no newline."""

    def prepare_append(self, torn: int) -> None:
        """Prepare for ``append``: remove an incomplete last line of ``torn`` bytes.

        Raises PreconditionFailed if the end of the log is not that line.
        """

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """Write all ``lines`` or none, durably; ``first`` is the number of the first one.

        Returns the mark of the last line. Raises PreconditionFailed if another writer has appended since
        ``prepare_append``, DiagnosticError if the write failed.
        """


class StateStore(Protocol):
    """Small objects by key, with compare-and-swap. Each method may raise DiagnosticError KT604 to KT609."""

    @property
    def location(self) -> str:
        """The address of the store for messages, without credentials."""

    def read(self, key: str) -> StoredObject | None:
        """Return the object, or None."""

    def put(self, key: str, data: bytes, expect: str) -> str:
        """Write the object if its etag is ``expect``, or NO_ETAG for a new object; return the new etag.

        Raises PreconditionFailed if its etag is another one.
        """

    def delete(self, key: str) -> None:
        """Delete the object; do nothing if there is none."""

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """Return the sorted keys that start with ``prefix`` and sort after ``after``."""

    def current_time(self) -> datetime:
        """Return the time of the clock that sets ``StoredObject.modified``."""

    def announce_alive(self, holder: str) -> Callable[[], None]:
        """Mark ``holder`` as alive until the result is called or this process ends."""

    def is_holder_dead(self, holder: str) -> bool:
        """Tell whether ``holder`` was a process of this machine that is dead; False if unknown."""

    def open_log(self) -> AppendLog:
        """Return the log of the journal."""
