"""The journal's tape in a bucket: numbered objects, each created once and never written again.

Objects cannot be appended to, and growing one by compare-and-swap is what Google Cloud Storage
limits to once a second. Two writers that both believe to hold the lock reach for the same number,
and the store lets one of them have it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from keyturn.ledger.medium import NO_ETAG, LogLine

JOURNAL_PREFIX = "journal/"
"""What the names of a journal's objects begin with."""


class ObjectAccess(Protocol):
    """What this tape needs of a store."""

    def put(self, key: str, data: bytes, expect: str) -> str:
        """See ``Store.put``."""

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """See ``Store.keys``."""

    def read_all(self, keys: Sequence[str]) -> Iterable[bytes]:
        """Yield the content of each object, in the order of ``keys``."""


class ObjectLog:
    """Objects of lines; a line's mark is the number of the first line in its object."""

    def __init__(self, objects: ObjectAccess) -> None:
        self._objects = objects

    def read(self, mark: int) -> Iterator[LogLine]:
        """Yield the lines of the object ``mark`` and of all that follow; see ``Tape.read``."""
        keys = self._objects.list_keys(JOURNAL_PREFIX, after=_object_key(mark - 1) if mark else "")
        for key, data in zip(keys, self._objects.read_all(keys), strict=True):
            first = _first_line_number(key)
            for line in data.splitlines(keepends=True):
                yield LogLine(first, line)

    def prepare_append(self, torn: int) -> None:
        """Do nothing: an object is there whole or not at all."""

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """Create the object that begins with the line ``first``; see ``Tape.append``."""
        self._objects.put(_object_key(first), b"".join(lines), NO_ETAG)
        return first


def _object_key(first: int) -> str:
    return f"{JOURNAL_PREFIX}{first:012}.jsonl"


def _first_line_number(key: str) -> int:
    digits = key.removeprefix(JOURNAL_PREFIX).partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
