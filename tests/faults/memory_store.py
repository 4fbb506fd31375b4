"""A state store in memory, and crash points: named points before and after each side effect of a run."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keyturn.state.stores.base import NO_ETAG, LogLine, PreconditionFailed, StoredObject


class ProcessKilled(BaseException):
    """The simulated process was killed; every later crash point raises it too."""


@dataclass
class CrashPoints:
    """Counts the crash points of a run and kills the run at number ``at`` (from 1; 0: never)."""

    at: int = 0
    passed: list[str] = field(default_factory=list)
    dead: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str) -> None:
        """Pass a crash point; raises ProcessKilled."""
        with self.lock:
            if self.dead:
                raise ProcessKilled
            self.passed.append(name)
            if len(self.passed) == self.at:
                self.dead = True
                raise ProcessKilled


@dataclass
class MemoryStore:
    """A state store; ``clock`` returns Unix seconds, ``journal`` is the content of the journal file.

    With ``torn_append``, a run that is killed during an append leaves half of its last line.
    """

    clock: Callable[[], float]
    crash_points: CrashPoints = field(default_factory=CrashPoints)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    journal: bytearray = field(default_factory=bytearray)
    live_holders: set[str] = field(default_factory=set)
    torn_append: bool = False
    location: str = "memory:"

    def snapshot(self) -> tuple[dict[str, StoredObject], bytes]:
        """Return the content for ``restore_snapshot``."""
        return dict(self.objects), bytes(self.journal)

    def restore_snapshot(self, snapshot: tuple[dict[str, StoredObject], bytes]) -> None:
        """Replace the content."""
        self.objects, self.journal = dict(snapshot[0]), bytearray(snapshot[1])

    def read(self, key: str) -> StoredObject | None:
        """See ``StateStore.read``."""
        return self.objects.get(key)

    def put(self, key: str, data: bytes, expect: str) -> str:
        """See ``StateStore.put``."""
        self.crash_points(f"put {key}")
        found = self.objects.get(key)
        if (found.etag if found else NO_ETAG) != expect:
            raise PreconditionFailed
        etag = hashlib.sha256(data).hexdigest()
        self.objects[key] = StoredObject(data, etag, self.current_time())
        self.crash_points(f"put {key}, done")
        return etag

    def delete(self, key: str) -> None:
        """See ``StateStore.delete``."""
        self.crash_points(f"delete {key}")
        self.objects.pop(key, None)
        self.crash_points(f"delete {key}, done")

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """See ``StateStore.list_keys``."""
        return tuple(sorted(key for key in self.objects if key.startswith(prefix) and key > after))

    def current_time(self) -> datetime:
        """See ``StateStore.current_time``."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def announce_alive(self, holder: str) -> Callable[[], None]:
        """See ``StateStore.announce_alive``."""
        self.live_holders.add(holder)
        return lambda: self.live_holders.discard(holder)

    def is_holder_dead(self, holder: str) -> bool:
        """See ``StateStore.is_holder_dead``."""
        return holder not in self.live_holders

    def open_log(self) -> "MemoryLog":
        """See ``StateStore.open_log``."""
        return MemoryLog(self)


class MemoryLog:
    """The journal; the mark of a line is its offset."""

    def __init__(self, memory: MemoryStore) -> None:
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
            self._memory.crash_points("append")
        except ProcessKilled:
            if self._memory.torn_append:
                self._memory.journal += data[: len(data) - len(lines[-1]) // 2]
            raise
        self._memory.journal += data
        self._end += len(data)
        self._memory.crash_points("append, done")
        return self._end - len(lines[-1])
