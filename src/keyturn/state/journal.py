"""The write-ahead journal: an event is durable when ``append`` returns.

Concurrent appends share one write: the first thread writes the lines of all waiting threads.
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
    """A journal that is open for writing, and the state that results from its events.

    Thread-safe. After a failed write, every call raises the same error, because the end of the log is
    unknown. Raises DiagnosticError: KT625 if a write was interrupted, KT626 if another run wrote to the
    journal, and the errors of the log.
    """

    def __init__(self, log: AppendLog, state: State, clock: RunClock, location: str) -> None:
        self._log, self._clock, self._location = log, clock, location
        self._replay = Replay(state)
        self._last_position = self._durable_position = state.position
        self._pending_lines: list[bytes] = []
        self._writing = False
        self._failure: DiagnosticError | None = None
        self._condition = threading.Condition()

    @property
    def position(self) -> JournalPosition:
        """The position of the last durable record."""
        return self._durable_position

    def append(self, event: JournalEvent) -> JournalPosition:
        """Write ``event``; return its position when it is durable."""
        return self._wait_until_durable(self._queue_event(event))

    def enqueue(self, event: JournalEvent) -> None:
        """Write ``event`` together with the next appended event.

        For outcomes: if a crash loses one, its intent stays open and the next run resolves it.
        """
        self._queue_event(event)

    def flush(self) -> JournalPosition:
        """Write all enqueued events; return the last position when they are durable."""
        return self._wait_until_durable(self._last_position.seq)

    def current_state(self) -> State:
        """Flush, then return the state that includes all events."""
        position = self.flush()
        with self._condition:
            return self._replay.build_state(position)

    def _queue_event(self, event: JournalEvent) -> int:
        encoded = encode_event(event)
        with self._condition:
            self._raise_failure()
            line, digest = encode_journal_record(
                self._last_position, format_timestamp(self._clock.now()), encoded
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
    """Open the journal in ``store`` for writing after ``state.position``.

    ``state`` and ``torn`` come from ``load_state``, called under the lock. Removes an incomplete last line
    and records the removal. Raises DiagnosticError KT626 if the journal has newer records.
    """
    log = store.open_log()
    if any(record.seq > state.position.seq for record in read_journal_records(log.read(state.position.mark))):
        raise _concurrent_write_error(store.location)
    try:
        log.prepare_append(torn)
    except PreconditionFailed:
        raise _concurrent_write_error(store.location) from None
    journal = Journal(log, state, clock, store.location)
    if torn:
        journal.append(TornLineRemoved(torn))
    return journal


def _concurrent_write_error(location: str) -> DiagnosticError:
    hint = "see `keyturn log` for its author; run `keyturn plan` before the next apply"
    return storage_error("KT626", location, "another run has written to the journal", hint)


def _interrupted_error(location: str) -> DiagnosticError:
    hint = "run `keyturn apply` again: it first checks the requests in progress"
    return storage_error("KT625", location, "a write to the journal was interrupted", hint)
