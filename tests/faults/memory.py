"""A state in memory, and the doors at which a run can be killed: before and after each thing it does."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keyturn.state.stores.base import NO_ETAG, LogLine, PreconditionFailed, StoredObject


class Killed(BaseException):
    """Raised where the process dies; from then on every door raises it, as nothing is done by the dead."""


@dataclass
class Doors:
    """Counts what a run does from the outside, and ends it at door ``at`` (from 1; 0: never)."""

    at: int = 0
    passed: list[str] = field(default_factory=list)
    dead: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str) -> None:
        """Pass a door, or die at it."""
        with self.lock:
            if self.dead:
                raise Killed
            self.passed.append(name)
            if len(self.passed) == self.at:
                self.dead = True
                raise Killed


@dataclass
class Memory:
    """A store; ``clock`` tells its time in Unix seconds, ``journal`` is what would lie on disk.

    With ``tears`` a run that dies while it appends leaves half of its last line.
    """

    clock: Callable[[], float]
    doors: Doors = field(default_factory=Doors)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    journal: bytearray = field(default_factory=bytearray)
    living: set[str] = field(default_factory=set)
    tears: bool = False
    location: str = "memory:"

    def kept(self) -> tuple[dict[str, StoredObject], bytes]:
        """Return everything, to be put back."""
        return dict(self.objects), bytes(self.journal)

    def put_back(self, kept: tuple[dict[str, StoredObject], bytes]) -> None:
        """Hold again what was kept."""
        self.objects, self.journal = dict(kept[0]), bytearray(kept[1])

    def read(self, key: str) -> StoredObject | None:
        """See ``StateStore.read``."""
        return self.objects.get(key)

    def put(self, key: str, data: bytes, expect: str) -> str:
        """See ``StateStore.put``."""
        self.doors(f"put {key}")
        found = self.objects.get(key)
        if (found.etag if found else NO_ETAG) != expect:
            raise PreconditionFailed
        etag = hashlib.sha256(data).hexdigest()
        self.objects[key] = StoredObject(data, etag, self.current_time())
        self.doors(f"put {key}, done")
        return etag

    def delete(self, key: str) -> None:
        """See ``StateStore.delete``."""
        self.doors(f"delete {key}")
        self.objects.pop(key, None)
        self.doors(f"delete {key}, done")

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """See ``StateStore.list_keys``."""
        return tuple(sorted(key for key in self.objects if key.startswith(prefix) and key > after))

    def current_time(self) -> datetime:
        """See ``StateStore.current_time``."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def announce_alive(self, holder: str) -> Callable[[], None]:
        """See ``StateStore.announce_alive``; whoever ends a run takes it out of ``living``."""
        self.living.add(holder)
        return lambda: self.living.discard(holder)

    def is_holder_dead(self, holder: str) -> bool:
        """See ``StateStore.is_holder_dead``."""
        return holder not in self.living

    def open_log(self) -> "Reel":
        """See ``StateStore.open_log``."""
        return Reel(self)


class Reel:
    """The journal's tape; a line's mark is its offset."""

    def __init__(self, memory: Memory) -> None:
        self._memory, self._end = memory, 0

    def read(self, mark: int) -> Iterator[LogLine]:
        """See ``AppendLog.read``."""
        for line in bytes(self._memory.journal[mark:]).splitlines(keepends=True):
            yield LogLine(mark, line)
            mark += len(line)

    def prepare_append(self, torn: int) -> None:
        """See ``AppendLog.prepare_append``."""
        self._end = len(self._memory.journal) - torn
        del self._memory.journal[self._end :]

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """See ``AppendLog.append``."""
        del first
        data = b"".join(lines)
        if len(self._memory.journal) != self._end:
            raise PreconditionFailed
        try:
            self._memory.doors("append")
        except Killed:
            if self._memory.tears:
                self._memory.journal += data[: len(data) - len(lines[-1]) // 2]
            raise
        self._memory.journal += data
        self._end += len(data)
        self._memory.doors("append, done")
        return self._end - len(lines[-1])
