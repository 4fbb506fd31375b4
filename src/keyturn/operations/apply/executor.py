"""Runs the changes of a plan in parallel, each after the changes it depends on."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from http import HTTPStatus

from msgspec import Struct

from keyturn.client.errors import OutcomeUnknown, ServiceError, Unauthorized, Withheld
from keyturn.model.address import Address
from keyturn.model.change import Action, Change, ChangeOutcome, OutcomeStatus
from keyturn.model.connection_failure import FailureReason, hint_for_failure
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.plan import NO_OP_ACTIONS
from keyturn.operations.apply.connection_tests import ConnectionTestVerdict
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
    """The outcomes of a set of changes.

    ``unauthorized``: the service rejected the API key. ``stopped``: the run was stopped before all
    changes had started.
    """

    outcomes: tuple[ChangeOutcome, ...]
    unauthorized: bool = False
    stopped: bool = False


def execute_changes(
    changes: tuple[Change, ...], context: ApplyContext, progress: ProgressListener, parallelism: int = 8
) -> ExecutionResult:
    """Perform the changes, each after its dependencies, and return an outcome for every change.

    Runs 1.5 times ``parallelism`` workers, so some prepare while others wait for a request slot. A failure
    blocks only the changes that depend on it. A rejected API key or a lost lock stops new changes;
    running changes finish and are recorded.
    """
    by_address = {change.address: change for change in changes if change.action not in NO_OP_ACTIONS}
    executor = _Executor(
        ChangeSchedule({address: change.depends_on for address, change in by_address.items()}),
        by_address,
        context,
    )
    workers = parallelism + parallelism // 2
    with ThreadPoolExecutor(workers, thread_name_prefix="apply") as pool:
        while executor.start_ready(pool, workers, progress):
            executor.collect_finished(progress)
    return executor.build_result(progress)


class _Executor:
    def __init__(
        self, schedule: ChangeSchedule, changes: Mapping[Address, Change], context: ApplyContext
    ) -> None:
        self._schedule, self._changes, self._context = schedule, changes, context
        self._running: dict[Future[ChangeOutcome], Address] = {}
        self._outcomes: dict[Address, ChangeOutcome] = {}
        self._failed_dependency: dict[Address, Address] = {}
        self._unauthorized = self._stopped = False

    def start_ready(self, pool: ThreadPoolExecutor, workers: int, progress: ProgressListener) -> bool:
        """Submit the changes that are ready; return whether any change is running."""
        while len(self._running) < workers and not self._unauthorized and not self._stopped:
            address = self._schedule.take_next()
            if address is None:
                break
            progress.start_change(self._changes[address])
            self._running[pool.submit(perform_change, self._changes[address], self._context)] = address
        return bool(self._running)

    def collect_finished(self, progress: ProgressListener) -> None:
        """Wait until at least one change has finished and record its outcome."""
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
                self._unauthorized = self._unauthorized or error.status == HTTPStatus.UNAUTHORIZED
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
        """Return all outcomes; a change that did not start is BLOCKED."""
        for address, change in self._changes.items():
            if address not in self._outcomes:
                self._outcomes[address] = outcome = self._build_blocked_outcome(change)
                progress.finish_change(outcome)
        return ExecutionResult(
            tuple(self._outcomes[address] for address in self._changes), self._unauthorized, self._stopped
        )

    def _build_blocked_outcome(self, change: Change) -> ChangeOutcome:
        failed = self._failed_dependency.get(change.address)
        return ChangeOutcome(
            address=change.address,
            action=change.action.value,
            outcome_status=OutcomeStatus.BLOCKED,
            message=f"depends on {failed}, which failed" if failed else "not started: the run ended first",
            waits_for=self._schedule.waits_for(change.address) if failed else (),
        )


def perform_change(change: Change, context: ApplyContext) -> ChangeOutcome:
    """Perform one change and return its outcome.

    Raises ApplyStopped and Unauthorized, which concern the whole run.
    """
    try:
        written = ACTION_HANDLERS[change.action](change, context)
    except StaleObject as stale:
        hint = "run `keyturn plan` again and review what changed"
        return _build_outcome(change, OutcomeStatus.STALE, stale.message, hint)
    except SecretRejected as rejected:
        return _build_rejected_outcome(change, rejected)
    except Withheld:
        raise ApplyStopped from None
    except Unauthorized:
        raise
    except OutcomeUnknown as error:
        hint = "run `keyturn apply` again: it first checks whether this write succeeded"
        return _build_outcome(change, OutcomeStatus.UNKNOWN, error.message, hint)
    except ServiceError as error:
        return _build_outcome(change, OutcomeStatus.FAILED, error.message, error.hint)
    except DiagnosticError as error:
        diagnostic = error.diagnostics[0]
        return _build_outcome(change, OutcomeStatus.FAILED, diagnostic.message, diagnostic.hint)
    return _test_written_change(change, written, context)


def _test_written_change(change: Change, written: WriteResult, context: ApplyContext) -> ChangeOutcome:
    verdict = (
        check_written_connection(change, context)
        if change.action not in {Action.RETIRE, Action.FORGET}
        else None
    )
    if verdict and verdict.inconclusive:
        context.record_untested(written.entry)
        message = f"written, but not tested: {verdict.message}"
        return _build_outcome(change, OutcomeStatus.FAILED, message, "run `keyturn apply` again to test it")
    if verdict and verdict.has_failed:
        message = f"written, but the connection test fails: {verdict.message}"
        hint = "correct the manifest or the target and run `keyturn apply` again"
        return _build_outcome(change, OutcomeStatus.FAILED, message, hint)
    return ChangeOutcome(
        address=change.address,
        action=change.action.value,
        outcome_status=OutcomeStatus.DONE,
        warnings=(*written.warnings, *_describe_waiting(verdict)),
    )


def _describe_waiting(verdict: ConnectionTestVerdict | None) -> tuple[str, ...]:
    if verdict is None or not verdict.is_waiting:
        return ()
    return (f"waits for consent: {hint_for_failure(FailureReason.CONSENT)}",)


def _build_rejected_outcome(change: Change, rejected: SecretRejected) -> ChangeOutcome:
    if rejected.is_inconclusive:
        details = "; ".join(filter(None, (rejected.message, rejected.rollback_message)))
        message = f"the new secret could not be tested: {details}"
        return _build_outcome(change, OutcomeStatus.FAILED, message, "run `keyturn apply` again to test it")
    if rejected.rollback_message:
        message = (
            f"the new secret was refused after the write: {rejected.message}; {rejected.rollback_message}"
        )
        hint = "set a secret that the target accepts with `keyturn secret set` and run `keyturn apply` again"
    else:
        message = f"the new secret was refused: {rejected.message}"
        hint = "nothing in use was changed; set the secret that the target accepts with `keyturn secret set`"
    return _build_outcome(change, OutcomeStatus.FAILED, message, hint)


def _build_outcome(change: Change, outcome_status: OutcomeStatus, message: str, hint: str) -> ChangeOutcome:
    return ChangeOutcome(
        address=change.address,
        action=change.action.value,
        outcome_status=outcome_status,
        message=message,
        hint=hint,
    )
