"""The bracket around every command that writes: the lock, the journal with its author, the compaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.run_context import RunContext
from keyturn.state.events import RunFinished, RunStarted
from keyturn.state.journal import Journal, open_journal
from keyturn.state.lock import Lease, LockHeld, LockHolder, acquire_lock
from keyturn.state.reader import LoadedState, compact_journal, load_state

LEASE = 600.0
"""Seconds for which the lock is held without a renewal."""

PATIENCE = 2.0
"""Seconds between two looks at a lock that another run holds."""


class ExclusiveRun:
    """One command that holds the lock; ``exclusive_run`` makes it and releases the lock."""

    def __init__(self, run: RunContext, command: str, lease: Lease) -> None:
        self._run, self._command, self._lease = run, command, lease
        self._id = run.new_id()
        self._journal: Journal | None = None
        self._reading: LoadedState | None = None

    def holds_lock(self) -> bool:
        """Tell whether this run may still write; renew the lease when a third of it is used."""
        if not self._lease.is_valid():
            return False
        return self._lease.remaining_seconds() > LEASE * 2 / 3 or self._renew()

    def read_state(self) -> LoadedState:
        """Return the state of the workspace, as it is under the lock."""
        return load_state(self._run.store, self._run.workspace.name, self._run.workspace.organization)

    def begin_journal(self, reading: LoadedState) -> Journal:
        """Open the journal behind ``reading`` and record who runs which command; called once."""
        run, author = self._run, self._run.actor
        journal = open_journal(run.store, reading.state, reading.torn, run.clock)
        started = RunStarted(
            run=self._id,
            command=self._command,
            workspace=run.workspace.name,
            organization=run.workspace.organization,
            who=author.who,
            host=author.host,
            commit=author.commit,
            tool=author.tool,
            url=author.url,
        )
        journal.append(started)
        self._journal, self._reading = journal, reading
        return journal

    def end_journal(self, counts: Mapping[str, int], ending: str = "ended") -> None:
        """Record how the run ended, and compact the journal into the state while the lock is held."""
        if self._journal is None or self._reading is None:
            return
        journal, self._journal = self._journal, None
        journal.append(RunFinished(self._id, ending, counts))
        if self._lease.is_valid():
            compact_journal(self._run.store, self._reading, journal)

    def record_failure(self) -> None:
        """Record that the run failed, where its journal is open and can be written."""
        if self._journal is not None:
            with suppress(DiagnosticError):
                self._journal.append(RunFinished(self._id, "failed"))

    def _renew(self) -> bool:
        try:
            self._lease.renew()
        except DiagnosticError:
            return False
        return True


@contextmanager
def exclusive_run(run: RunContext, command: str, lock_timeout: float = 0.0) -> Iterator[ExclusiveRun]:
    """Hold the lock while ``command`` runs; wait at most ``lock_timeout`` seconds for it.

    Raises Held where another run holds the lock. A command that fails after ``begin_journal`` is
    recorded as failed.
    """
    lease = _acquire_lock(run, lock_timeout)
    held = ExclusiveRun(run, command, lease)
    try:
        yield held
    except Exception:
        held.record_failure()
        raise
    finally:
        if lease.is_valid():
            lease.release()


def _acquire_lock(run: RunContext, lock_timeout: float) -> Lease:
    author = run.actor
    holder = LockHolder(
        id=run.new_id(), who=author.who, host=author.host, url=author.url, commit=author.commit, ttl=LEASE
    )
    end = run.clock.monotonic() + lock_timeout
    while True:
        try:
            return acquire_lock(run.store, holder, run.clock)
        except LockHeld:
            if run.clock.monotonic() + PATIENCE > end:
                raise
            run.sleep(PATIENCE)
