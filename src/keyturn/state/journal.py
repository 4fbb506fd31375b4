"""The write-ahead journal: whoever returns from ``append`` has it on disk.

Threads that write at the same time share one flush: the first of them writes for all that wait.
"""

import threading

from msgspec import Struct

from keyturn.model.clock import RunClock, format_timestamp
from keyturn.model.diagnostic import DiagnosticError, storage_error
from keyturn.state.document import State
from keyturn.state.events import JournalEvent, JournalPosition, TornLineRemoved, encode_event
from keyturn.state.journal_record import encode_journal_record, read_journal_records
from keyturn.state.replay import Replay
from keyturn.state.stores.base import AppendLog, PreconditionFailed, StateStore


class _Batch(Struct, frozen=True, kw_only=True):
    first: int
    lines: tuple[bytes, ...]
    seq: int
    hash: str


class Journal:
    """A journal open for writing, and the state as it becomes by what is written.

    Safe to use from several threads. After a failure nothing more is accepted: what a full disk
    has of the last lines is not known. Raises Faulty: KT625 where it cannot be written, KT626
    where somebody else has written into it.
    """

    def __init__(self, log: AppendLog, state: State, clock: RunClock, place: str) -> None:
        self._log, self._clock, self._location = log, clock, place
        self._replay = Replay(state)
        self._last_position = self._durable_position = state.position
        self._pending_lines: list[bytes] = []
        self._writing = False
        self._failure: DiagnosticError | None = None
        self._condition = threading.Condition()

    @property
    def position(self) -> JournalPosition:
        """The last record that is durable."""
        return self._durable_position

    def append(self, event: JournalEvent) -> JournalPosition:
        """Write ``event`` and return when it is durable."""
        return self._wait_until_durable(self._queue_event(event))

    def enqueue(self, event: JournalEvent) -> None:
        """Write ``event`` along with the next that is appended.

        For outcomes: one that is lost leaves its intent open, and the next run looks.
        """
        self._queue_event(event)

    def flush(self) -> JournalPosition:
        """Return when everything enqueued is durable."""
        return self._wait_until_durable(self._last_position.seq)

    def current_state(self) -> State:
        """Return the state with everything that is durable; flushes first."""
        position = self.flush()
        with self._condition:
            return self._replay.build_state(position)

    def _queue_event(self, event: JournalEvent) -> int:
        packed = encode_event(event)
        with self._condition:
            self._raise_failure()
            line, digest = encode_journal_record(
                self._last_position, format_timestamp(self._clock.now()), packed
            )
            self._last_position = JournalPosition(self._last_position.seq + 1, digest)
            self._pending_lines.append(line)
            self._replay.apply_event(event)
            return self._last_position.seq

    def _wait_until_durable(self, seq: int) -> JournalPosition:
        while True:
            with self._condition:
                self._condition.wait_for(
                    lambda: self._failure or self._durable_position.seq >= seq or not self._writing
                )
                self._raise_failure()
                if self._durable_position.seq >= seq:
                    return self._durable_position
                batch = self._take_batch()
            self._write_batch(batch)

    def _take_batch(self) -> _Batch:
        lines, self._pending_lines = tuple(self._pending_lines), []
        self._writing = True
        return _Batch(
            first=self._durable_position.seq + 1,
            lines=lines,
            seq=self._last_position.seq,
            hash=self._last_position.hash,
        )

    def _write_batch(self, batch: _Batch) -> None:
        failure: DiagnosticError | None = _interrupted_error(self._location)
        durable = self._durable_position
        try:
            durable = JournalPosition(batch.seq, batch.hash, self._log.append(batch.first, batch.lines))
            failure = None
        except PreconditionFailed:
            failure = _concurrent_write_error(self._location)
        except DiagnosticError as error:
            failure = error
        finally:
            with self._condition:
                self._writing, self._durable_position, self._failure = False, durable, failure
                self._condition.notify_all()

    def _raise_failure(self) -> None:
        if self._failure:
            raise DiagnosticError(*self._failure.diagnostics)


def open_journal(store: StateStore, state: State, torn: int, clock: RunClock) -> Journal:
    """Open the journal in ``store`` for writing behind ``state.position``.

    ``state`` and ``torn`` are what ``read_state`` found, under the lock. Cuts a torn last line
    off and says so in a record. Raises Faulty KT626 where the journal has grown meanwhile.
    """
    tape = store.open_log()
    if any(
        record.seq > state.position.seq for record in read_journal_records(tape.read(state.position.mark))
    ):
        raise _concurrent_write_error(store.location)
    try:
        tape.prepare_append(torn)
    except PreconditionFailed:
        raise _concurrent_write_error(store.location) from None
    journal = Journal(tape, state, clock, store.location)
    if torn:
        journal.append(TornLineRemoved(torn))
    return journal


def _concurrent_write_error(place: str) -> DiagnosticError:
    hint = "see `keyturn log` for who; plan again before anything else is applied"
    return storage_error("KT626", place, "somebody else has written into the journal", hint)


def _interrupted_error(place: str) -> DiagnosticError:
    hint = "apply again: what was under way is looked up first"
    return storage_error("KT625", place, "the journal was interrupted while it was written", hint)
