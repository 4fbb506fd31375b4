"""The journal's tape in a bucket: numbered objects, each created once and never written again.

Objects cannot be appended to, and growing one by compare-and-swap is what Google Cloud Storage
limits to once a second. Two writers that both believe to hold the lock reach for the same number,
and the store lets one of them have it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from keyturn.ledger.medium import ABSENT, Line

JOURNAL = "journal/"
"""What the names of a journal's objects begin with."""


class Objects(Protocol):
    """What this tape needs of a store."""

    def put(self, key: str, data: bytes, expect: str) -> str:
        """See ``Store.put``."""

    def keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """See ``Store.keys``."""

    def read_all(self, keys: Sequence[str]) -> Iterable[bytes]:
        """Yield the content of each object, in the order of ``keys``."""


class SegmentTape:
    """Objects of lines; a line's mark is the number of the first line in its object."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def read(self, mark: int) -> Iterator[Line]:
        """Yield the lines of the object ``mark`` and of all that follow; see ``Tape.read``."""
        keys = self._objects.keys(JOURNAL, after=_key(mark - 1) if mark else "")
        for key, data in zip(keys, self._objects.read_all(keys), strict=True):
            first = _number(key)
            for line in data.splitlines(keepends=True):
                yield Line(first, line)

    def attach(self, torn: int) -> None:
        """Do nothing: an object is there whole or not at all."""

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """Create the object that begins with the line ``first``; see ``Tape.append``."""
        self._objects.put(_key(first), b"".join(lines), ABSENT)
        return first


def _key(first: int) -> str:
    return f"{JOURNAL}{first:012}.jsonl"


def _number(key: str) -> int:
    digits = key.removeprefix(JOURNAL).partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
