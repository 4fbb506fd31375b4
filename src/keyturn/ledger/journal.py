"""The write-ahead journal: whoever returns from ``append`` has it on disk.

Threads that write at the same time share one flush: the first of them writes for all that wait.
"""

import threading

from msgspec import Struct

from keyturn.core.diagnostic import Faulty
from keyturn.ledger.clock import Clock, stamp
from keyturn.ledger.document import Ledger
from keyturn.ledger.event import Event, Position, Repaired, pack
from keyturn.ledger.faults import fault
from keyturn.ledger.medium import Moved, Store, Tape
from keyturn.ledger.record import compose, read
from keyturn.ledger.replay import Fold


class _Batch(Struct, frozen=True, kw_only=True):
    first: int
    lines: tuple[bytes, ...]
    seq: int
    hash: str


class Journal:
    """A journal open for writing, and the ledger as it becomes by what is written.

    Safe to use from several threads. After a failure nothing more is accepted: what a full disk
    has of the last lines is not known. Raises Faulty: KT625 where it cannot be written, KT626
    where somebody else has written into it.
    """

    def __init__(self, tape: Tape, ledger: Ledger, clock: Clock, place: str) -> None:
        self._tape, self._clock, self._place = tape, clock, place
        self._fold = Fold(ledger)
        self._last = self._durable = ledger.position
        self._waiting: list[bytes] = []
        self._writing = False
        self._failure: Faulty | None = None
        self._changed = threading.Condition()

    @property
    def position(self) -> Position:
        """The last record that is durable."""
        return self._durable

    def append(self, event: Event) -> Position:
        """Write ``event`` and return when it is durable."""
        return self._settle(self._line_up(event))

    def enqueue(self, event: Event) -> None:
        """Write ``event`` along with the next that is appended.

        For outcomes: one that is lost leaves its intent open, and the next run looks.
        """
        self._line_up(event)

    def flush(self) -> Position:
        """Return when everything enqueued is durable."""
        return self._settle(self._last.seq)

    def ledger(self) -> Ledger:
        """Return the ledger with everything that is durable; flushes first."""
        position = self.flush()
        with self._changed:
            return self._fold.ledger(position)

    def _line_up(self, event: Event) -> int:
        packed = pack(event)
        with self._changed:
            self._refuse_after_failure()
            line, digest = compose(self._last, stamp(self._clock.now()), packed)
            self._last = Position(self._last.seq + 1, digest)
            self._waiting.append(line)
            self._fold.take(event)
            return self._last.seq

    def _settle(self, seq: int) -> Position:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._failure or self._durable.seq >= seq or not self._writing)
                self._refuse_after_failure()
                if self._durable.seq >= seq:
                    return self._durable
                batch = self._take_batch()
            self._write(batch)

    def _take_batch(self) -> _Batch:
        lines, self._waiting = tuple(self._waiting), []
        self._writing = True
        return _Batch(first=self._durable.seq + 1, lines=lines, seq=self._last.seq, hash=self._last.hash)

    def _write(self, batch: _Batch) -> None:
        failure: Faulty | None = _interrupted(self._place)
        durable = self._durable
        try:
            durable = Position(batch.seq, batch.hash, self._tape.append(batch.first, batch.lines))
            failure = None
        except Moved:
            failure = _overtaken(self._place)
        except Faulty as error:
            failure = error
        finally:
            with self._changed:
                self._writing, self._durable, self._failure = False, durable, failure
                self._changed.notify_all()

    def _refuse_after_failure(self) -> None:
        if self._failure:
            raise Faulty(*self._failure.findings)


def open_journal(store: Store, ledger: Ledger, torn: int, clock: Clock) -> Journal:
    """Open the journal in ``store`` for writing behind ``ledger.position``.

    ``ledger`` and ``torn`` are what ``read_ledger`` found, under the lock. Cuts a torn last line
    off and says so in a record. Raises Faulty KT626 where the journal has grown meanwhile.
    """
    tape = store.tape()
    if any(record.seq > ledger.position.seq for record in read(tape.read(ledger.position.mark))):
        raise _overtaken(store.place)
    try:
        tape.attach(torn)
    except Moved:
        raise _overtaken(store.place) from None
    journal = Journal(tape, ledger, clock, store.place)
    if torn:
        journal.append(Repaired(torn))
    return journal


def _overtaken(place: str) -> Faulty:
    hint = "see `keyturn log` for who; plan again before anything else is applied"
    return fault("KT626", place, "somebody else has written into the journal", hint)


def _interrupted(place: str) -> Faulty:
    hint = "apply again: what was under way is looked up first"
    return fault("KT625", place, "the journal was interrupted while it was written", hint)
