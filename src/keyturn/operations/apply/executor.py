"""Apply: the schedule decides what may run, threads run it, the journal has it before it happens."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from msgspec import Struct

from keyturn.client.errors import OutcomeUnknown, ServiceError, Unauthorized, Withheld
from keyturn.model.address import Address
from keyturn.model.change import Action, Change, ChangeOutcome, OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.plan import NO_OP_ACTIONS
from keyturn.operations.apply.context import ApplyContext, ApplyStopped, StaleObject
from keyturn.operations.apply.lifecycle import forget_entry, replace_object, restore_object, retire_object
from keyturn.operations.apply.rotate import SecretRejected, check_written_connection, rotate_secrets
from keyturn.operations.apply.writes import WriteResult, create_object, update_object
from keyturn.operations.progress import ProgressListener
from keyturn.planning.scheduling import ChangeSchedule

ACTION_HANDLERS: Mapping[Action, Callable[[Change, ApplyContext], WriteResult]] = {
    Action.CREATE: create_object,
    Action.UPDATE: update_object,
    Action.RENAME: update_object,
    Action.ADOPT: update_object,
    Action.ROTATE: rotate_secrets,
    Action.RESTORE: restore_object,
    Action.RETIRE: retire_object,
    Action.REPLACE: replace_object,
    Action.FORGET: forget_entry,
}


class ExecutionResult(Struct, frozen=True):
    """How a set of changes ended; ``denied`` when the key itself was refused, ``halted`` when stopped."""

    outcomes: tuple[ChangeOutcome, ...]
    unauthorized: bool = False
    stopped: bool = False


def execute_changes(
    changes: tuple[Change, ...], context: ApplyContext, progress: ProgressListener, parallelism: int = 8
) -> ExecutionResult:
    """Make the changes, each as soon as what it waits for is done; return how each of them ended.

    Half as many again as may send at a time are at work: while those wait, these make ready.
    A failure blocks only what waits for it. A refused key or a lost lock stops everything that
    has not begun; what is under way is finished and written down.
    """
    by_address = {change.address: change for change in changes if change.action not in NO_OP_ACTIONS}
    crew = _Executor(
        ChangeSchedule({address: each.depends_on for address, each in by_address.items()}),
        by_address,
        context,
    )
    workers = parallelism + parallelism // 2
    with ThreadPoolExecutor(workers, thread_name_prefix="apply") as pool:
        while crew.start_ready(pool, workers, progress):
            crew.collect_finished(progress)
    return crew.build_result(progress)


class _Executor:
    """The one holder of state in an apply: who is at work, and what has come of it."""

    def __init__(
        self, schedule: ChangeSchedule, changes: Mapping[Address, Change], context: ApplyContext
    ) -> None:
        self._schedule, self._changes, self._context = schedule, changes, context
        self._running: dict[Future[ChangeOutcome], Address] = {}
        self._outcomes: dict[Address, ChangeOutcome] = {}
        self._failed_dependency: dict[Address, Address] = {}
        self._unauthorized = self._stopped = False

    def start_ready(self, pool: ThreadPoolExecutor, workers: int, progress: ProgressListener) -> bool:
        """Put ready changes to work; tell whether anything is running."""
        while len(self._running) < workers and not self._unauthorized and not self._stopped:
            address = self._schedule.take_next()
            if address is None:
                break
            progress.start_change(self._changes[address])
            self._running[pool.submit(perform_change, self._changes[address], self._context)] = address
        return bool(self._running)

    def collect_finished(self, progress: ProgressListener) -> None:
        """Wait for at least one change to end and note how."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        for future in done:
            address = self._running.pop(future)
            try:
                outcome = future.result()
            except ApplyStopped:
                self._stopped = True
                self._schedule.mark_failed(address)
                continue
            except Unauthorized as error:
                self._unauthorized = self._unauthorized or error.status == 401  # noqa: PLR2004
                outcome = _build_outcome(
                    self._changes[address], OutcomeStatus.FAILED, error.message, error.hint
                )
            self._record_outcome(address, outcome)
            progress.finish_change(outcome)

    def _record_outcome(self, address: Address, outcome: ChangeOutcome) -> None:
        self._outcomes[address] = outcome
        if outcome.outcome_status is OutcomeStatus.DONE:
            self._schedule.mark_done(address)
            return
        for blocked in self._schedule.mark_failed(address):
            self._failed_dependency[blocked] = address

    def build_result(self, progress: ProgressListener) -> ExecutionResult:
        """Return every outcome, those of changes that never began included."""
        for address, change in self._changes.items():
            if address in self._outcomes:
                continue
            culprit = self._failed_dependency.get(address)
            message = f"it waits for {culprit}, which failed" if culprit else "the run ended before it began"
            waits = self._schedule.waits_for(address) if culprit else ()
            outcome = ChangeOutcome(
                address=address,
                action=change.action.value,
                outcome_status=OutcomeStatus.BLOCKED,
                message=message,
                waits_for=waits,
            )
            self._outcomes[address] = outcome
            progress.finish_change(outcome)
        return ExecutionResult(
            tuple(self._outcomes[one] for one in self._changes), self._unauthorized, self._stopped
        )


def perform_change(change: Change, context: ApplyContext) -> ChangeOutcome:
    """Make one change and say how it ended; raises Halt and Denied, which concern the whole run."""
    try:
        written = ACTION_HANDLERS[change.action](change, context)
    except StaleObject as stale:
        return _build_outcome(change, OutcomeStatus.STALE, stale.message, "plan again and look at what moved")
    except SecretRejected as rejected:
        return _rejected_outcome(change, rejected)
    except Withheld:
        raise ApplyStopped from None
    except Unauthorized:
        raise
    except OutcomeUnknown as error:
        hint = "apply again: what became of it is looked up before anything else is written"
        return _build_outcome(change, OutcomeStatus.UNKNOWN, error.message, hint)
    except ServiceError as error:
        return _build_outcome(change, OutcomeStatus.FAILED, error.message, error.hint)
    except DiagnosticError as faulty:
        finding = faulty.diagnostics[0]
        return _build_outcome(change, OutcomeStatus.FAILED, finding.message, finding.hint)
    return _test_written_change(change, written, context)


def _test_written_change(change: Change, written: WriteResult, context: ApplyContext) -> ChangeOutcome:
    verdict = (
        check_written_connection(change, context)
        if change.action not in {Action.RETIRE, Action.FORGET}
        else None
    )
    if verdict and not verdict.passed:
        hint = "what git says is written; correct it there, or at the target, and apply again"
        return _build_outcome(
            change, OutcomeStatus.FAILED, f"written, but its test fails: {verdict.message}", hint
        )
    return ChangeOutcome(
        address=change.address,
        action=change.action.value,
        outcome_status=OutcomeStatus.DONE,
        warnings=written.warnings,
    )


def _rejected_outcome(change: Change, rejected: SecretRejected) -> ChangeOutcome:
    if rejected.rollback_message:
        hint = "set a secret that the target accepts with `keyturn secret set`, and apply again"
        message = f"the new secret fails its test in use: {rejected.message}; {rejected.rollback_message}"
    else:
        hint = "nothing that runs was touched; set the secret that the target knows with `keyturn secret set`"
        message = f"the new secret was refused: {rejected.message}"
    return _build_outcome(change, OutcomeStatus.FAILED, message, hint)


def _build_outcome(change: Change, ending: OutcomeStatus, message: str, hint: str) -> ChangeOutcome:
    return ChangeOutcome(
        address=change.address, action=change.action.value, outcome_status=ending, message=message, hint=hint
    )
