"""What a state is written on: a store of small objects, and a tape that only grows."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from msgspec import Struct

NO_ETAG = ""
"""The expectation that nothing stands under a key; no store has an empty etag."""


class StoredObject(Struct, frozen=True):
    """An object as it was read; ``etag`` names this content, ``modified`` is the store's own time."""

    data: bytes
    etag: str
    modified: datetime


class PreconditionFailed(Exception):
    """Raised where a write expected one state of an object and found another; nothing was written."""


class LogLine(NamedTuple):
    """A line of a tape with its newline, and the ``mark`` to read from in order to meet it again."""

    mark: int
    data: bytes


class AppendLog(Protocol):
    """Lines in the order in which they were written, never changed."""

    def read(self, mark: int) -> Iterator[LogLine]:
        """Yield lines from ``mark`` (0: the first) on; a torn last line comes without its newline."""

    def prepare_append(self, torn: int) -> None:
        """Prepare for appending: cut ``torn`` bytes off the end, remember where it is."""

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """Write ``lines`` durably, all or none; ``first`` is the number of the first of them.

        Returns the mark of the last line. Raises Moved where somebody else has written since
        ``attach``, Faulty where the tape cannot be written.
        """


class StateStore(Protocol):
    """Small objects under keys, with compare-and-swap. Every method may raise Faulty (KT603 ff.)."""

    @property
    def location(self) -> str:
        """Where this is, for the reader; holds no credentials."""

    def read(self, key: str) -> StoredObject | None:
        """Return the object, or None where there is none."""

    def put(self, key: str, data: bytes, expect: str) -> str:
        """Write the object if its etag is ``expect`` (or ABSENT); return the new etag.

        Raises Moved where it is not.
        """

    def delete(self, key: str) -> None:
        """Delete the object; do nothing if there is none."""

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """Return the keys that begin with ``prefix`` and sort behind ``after``, sorted."""

    def current_time(self) -> datetime:
        """Return the time by the clock that ``Blob.modified`` is taken from."""

    def announce_alive(self, holder: str) -> Callable[[], None]:
        """Show that this process lives, as ``holder``, until the result is called or it ends."""

    def is_holder_dead(self, holder: str) -> bool:
        """Tell whether the process that attended as ``holder`` on this machine is surely gone.

        False where that cannot be known.
        """

    def open_log(self) -> AppendLog:
        """Return the journal's tape in this store."""
