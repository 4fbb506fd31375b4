"""Lock and journal for every command that writes: acquire, record who runs it, compact, release."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from msgspec import UNSET, UnsetType

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.run_context import RunContext
from keyturn.operations.uncommitted import list_uncommitted_files
from keyturn.state.events import RunApproval, RunFinished, RunStarted
from keyturn.state.journal import Journal, open_journal
from keyturn.state.lock import Lease, LockHeld, LockHolder, acquire_lock
from keyturn.state.reader import LoadedState, compact_journal, load_state

LEASE_SECONDS = 600.0
"""Seconds for which the lock is valid without a renewal."""

LOCK_POLL_SECONDS = 2.0
"""Seconds between two attempts to acquire a lock that another run holds."""


class ExclusiveRun:
    """A command that holds the lock; ``exclusive_run`` creates it and releases the lock.

    ``uncommitted_files`` is set by ``begin_journal``: the files that the commit does not have.
    """

    def __init__(self, run: RunContext, command: str, lease: Lease) -> None:
        self._run, self._command, self._lease = run, command, lease
        self._id = run.new_id()
        self._journal: Journal | None = None
        self._loaded_state: LoadedState | None = None
        self.uncommitted_files: tuple[str, ...] = ()

    def holds_lock(self) -> bool:
        """Return whether this run still holds the lock; renew the lease after a third of its time."""
        if not self._lease.is_valid():
            return False
        return self._lease.remaining_seconds() > LEASE_SECONDS * 2 / 3 or self._renew()

    def _renew(self) -> bool:
        try:
            self._lease.renew()
        except DiagnosticError:
            return False
        return True

    def read_state(self) -> LoadedState:
        """Return the state of the workspace, read under the lock."""
        return load_state(self._run.store, self._run.workspace.name, self._run.workspace.organization)

    def begin_journal(self, loaded_state: LoadedState, approval: RunApproval | UnsetType = UNSET) -> Journal:
        """Open the journal after ``loaded_state`` and record who runs which command; call it once."""
        run, actor = self._run, self._run.actor
        uncommitted = list_uncommitted_files(run)
        self.uncommitted_files = uncommitted or ()
        journal = open_journal(run.store, loaded_state.state, loaded_state.torn, run.clock)
        started = RunStarted(
            run=self._id,
            command=self._command,
            workspace=run.workspace.name,
            organization=run.workspace.organization,
            who=actor.who,
            host=actor.host,
            commit=actor.commit,
            tool=actor.tool,
            url=actor.url,
            dirty=UNSET if uncommitted is None else bool(uncommitted),
            approval=approval,
        )
        journal.append(started)
        self._journal, self._loaded_state = journal, loaded_state
        return journal

    def end_journal(self, counts: Mapping[str, int], run_status: str = "ended") -> None:
        """Record how the run ended; compact the journal into the state if the lock is still held."""
        if self._journal is None or self._loaded_state is None:
            return
        journal, self._journal = self._journal, None
        journal.append(RunFinished(self._id, run_status, counts))
        if self._lease.is_valid():
            compact_journal(self._run.store, self._loaded_state, journal)

    def record_failure(self) -> None:
        """Record that the run failed, if its journal is open and can be written."""
        if self._journal is not None:
            with suppress(DiagnosticError):
                self._journal.append(RunFinished(self._id, "failed"))


@contextmanager
def exclusive_run(run: RunContext, command: str, lock_timeout: float = 0.0) -> Iterator[ExclusiveRun]:
    """Hold the lock while ``command`` runs; wait at most ``lock_timeout`` seconds for it.

    Raises LockHeld if another run holds the lock. A command that fails after ``begin_journal`` is
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
    actor = run.actor
    holder = LockHolder(
        id=run.new_id(),
        who=actor.who,
        host=actor.host,
        url=actor.url,
        commit=actor.commit,
        ttl=LEASE_SECONDS,
    )
    end = run.clock.monotonic() + lock_timeout
    while True:
        try:
            return acquire_lock(run.store, holder, run.clock)
        except LockHeld:
            if run.clock.monotonic() + LOCK_POLL_SECONDS > end:
                raise
            run.sleep(LOCK_POLL_SECONDS)
