"""One apply from lock to release: plan under the lock, ask, execute, follow up, record."""

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.records import RequestStats
from keyturn.client.service_text import collect_known_values
from keyturn.model.address import Address
from keyturn.model.change import Action, ChangeOutcome, OutcomeStatus
from keyturn.model.clock import parse_timestamp
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.plan import NO_OP_ACTIONS, Plan
from keyturn.model.resource import EMPTY, StateEntry
from keyturn.operations.apply.approval import find_run_approval
from keyturn.operations.apply.context import ApplyContext
from keyturn.operations.apply.executor import ExecutionResult, execute_changes
from keyturn.operations.apply.lifecycle import build_pending_retirements
from keyturn.operations.apply.rotate import purge_leftover_probe
from keyturn.operations.apply.writes import LOOKUP_DELAYS
from keyturn.operations.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.operations.plan.plan import PlanOptions, PlanResult, plan_workspace
from keyturn.operations.run_context import RunContext
from keyturn.operations.state_entries import select_observed_fields
from keyturn.planning.destination_record import is_moved_outside
from keyturn.planning.exposure import credential_destinations
from keyturn.schema.definitions import is_destination
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.journal import Journal

_LONG_PAUSE_SECONDS = 60.0


class ApplyOptions(Struct, frozen=True, kw_only=True):
    """The options of an apply; times in seconds, ``deadline`` 0 for none.

    ``is_stopped`` is called before each write; if it returns True, no further write starts. ``approval`` is
    the digest that a person or pipeline named; the journal records what it covers.
    """

    parallelism: int = 8
    approval: str = ""
    lock_timeout: float = 0.0
    deadline: float = 0.0
    is_stopped: Callable[[], bool] = lambda: False


class ApplyReport(Struct, frozen=True, kw_only=True):
    """The result of an apply: its plan, the outcome of each change, and request statistics.

    ``approved`` is False if the plan was rejected; then nothing was written. ``uncommitted`` are the files
    that were applied although the commit does not have them.
    """

    plan: Plan
    outcomes: tuple[ChangeOutcome, ...] = ()
    unauthorized: bool = False
    stopped: bool = False
    approved: bool = True
    request_stats: RequestStats | None = None
    uncommitted: tuple[str, ...] = ()


def apply_plan(
    run: RunContext,
    plan_options: PlanOptions,
    apply_options: ApplyOptions,
    decide: Callable[[PlanResult], bool],
) -> ApplyReport:
    """Acquire the lock, plan, call ``decide``, and perform the changes if it returns True.

    Raises LockHeld while another run holds the lock, and DiagnosticError if the run cannot start or
    the plan is blocked, whatever ``decide`` returns. After the first write, every failure is in
    the report and in the journal and is not raised.
    """
    run.progress.start_phase("lock")
    with exclusive_run(run, "apply", apply_options.lock_timeout) as held:
        planned = _make_plan(run, plan_options)
        asked_at = run.clock.monotonic()
        if not decide(planned):
            return ApplyReport(plan=planned.plan, approved=False)
        if planned.plan.blocking_diagnostics:
            raise DiagnosticError(*planned.plan.blocking_diagnostics)
        if run.clock.monotonic() - asked_at > _LONG_PAUSE_SECONDS:
            # The evidence of a create starts with the service's clock, which must not be that of the plan.
            run.service.read_organization()
        result = _apply_changes(run, planned, plan_options, apply_options, held)
        return ApplyReport(
            plan=planned.plan,
            outcomes=result.outcomes,
            unauthorized=result.unauthorized or run.service.unauthorized,
            stopped=result.stopped,
            request_stats=run.service.request_stats,
            uncommitted=held.uncommitted_files,
        )


def _make_plan(run: RunContext, options: PlanOptions) -> PlanResult:
    run.progress.start_phase("plan")
    planned = plan_workspace(run, options)
    delay = max(
        (_compute_lookup_delay(run, intent) for intent in planned.context.recovery.unresolved), default=0.0
    )
    if delay <= 0:
        return planned
    # The lists may not show yet what an unresolved create made.
    run.sleep(delay)
    return plan_workspace(run, options)


def _compute_lookup_delay(run: RunContext, intent: Intent) -> float:
    start = parse_timestamp(intent.server_date)
    if start is None or run.service.server_date is None:
        return sum(LOOKUP_DELAYS)
    # A date in the future would ask for a wait without end.
    return min(sum(LOOKUP_DELAYS), sum(LOOKUP_DELAYS) - (run.service.server_date - start.timestamp()))


def _apply_changes(
    run: RunContext,
    planned: PlanResult,
    plan_options: PlanOptions,
    options: ApplyOptions,
    held: ExclusiveRun,
) -> ExecutionResult:
    approval = find_run_approval(run.store, planned.plan, plan_options, options.approval)
    journal = held.begin_journal(planned.context.loaded_state, approval)
    context = _build_context(
        run, planned, journal, _build_write_check(run, options, held), tests=plan_options.tests
    )
    with run.service.limited_concurrency(options.parallelism, context.may_write):
        _record_recovery(planned, context)
        run.progress.start_phase("apply", len(planned.plan.changes))
        result = execute_changes(planned.plan.changes, context, run.progress, options.parallelism)
        if not (result.unauthorized or result.stopped):
            result = _follow_up(result, planned, context)
    counts = {
        status.value: sum(outcome.outcome_status is status for outcome in result.outcomes)
        for status in OutcomeStatus
    }
    held.end_journal(counts, "halted" if result.stopped else "ended")
    return result


def _build_write_check(run: RunContext, options: ApplyOptions, held: ExclusiveRun) -> Callable[[], bool]:
    end = run.clock.monotonic() + options.deadline

    def may_write() -> bool:
        if options.is_stopped() or (options.deadline and run.clock.monotonic() > end):
            return False
        if run.service.circuit_breaker.is_open or run.service.unauthorized:
            return False
        return held.holds_lock()

    return may_write


def _build_context(
    run: RunContext, planned: PlanResult, journal: Journal, may_write: Callable[[], bool], *, tests: bool
) -> ApplyContext:
    entries = planned.context.recovery.entries.values()
    return ApplyContext(
        run=run,
        journal=journal,
        ids={entry.address: entry.id for entry in entries if not entry.retired_at}
        | _find_existing_ids(planned.plan),
        entries={entry.id: entry for entry in entries},
        fingerprint_key=planned.secret_loader.derive_fingerprint_key,
        may_write=may_write,
        tests=tests,
        known_values=collect_known_values(
            (desired.address, desired.fields) for desired in planned.context.inputs.desired.values()
        ),
        taken_ids={entry.id for entry in entries} | planned.context.scoped.inputs.live.keys(),
        changes={
            change.live.id: change
            for change in planned.plan.changes
            if change.live and change.action not in NO_OP_ACTIONS
        },
        destinations=credential_destinations(planned.plan.changes, is_destination),
    )


def _find_existing_ids(plan: Plan) -> dict[Address, str]:
    # A renamed or restored object keeps its ID; other changes may refer to it before its own change.
    kept = (change for change in plan.changes if change.desired and change.action is not Action.REPLACE)
    return {change.address: change.live.id for change in kept if change.live}


def _record_recovery(planned: PlanResult, context: ApplyContext) -> None:
    # Entries before outcomes: if the run is killed in between, the next run resolves the intents again.
    before, after = planned.context.loaded_state.state.entries, planned.context.recovery.entries
    removed = tuple(address for address in before if address not in after)
    for entry in (entry for address, entry in after.items() if before.get(address) != entry):
        context.journal.enqueue(_build_entry_event(entry, removed))
    probe_ids = {intent.id: object_id for intent, object_id in planned.context.recovery.leftover_probes}
    for intent in planned.context.loaded_state.state.open_intents:
        if intent.id in probe_ids:
            purge_leftover_probe(intent, probe_ids[intent.id], context)
        else:
            context.record_failure(intent, OutcomeStatus.FAILED, "resolved by look-up")


def _build_entry_event(
    entry: StateEntry, removed: tuple[Address, ...] = (), action: str = "settle"
) -> OutcomeRecorded:
    return OutcomeRecorded(
        intent="",
        address=entry.address,
        action=action,
        outcome_status=OutcomeStatus.DONE,
        entry=entry,
        removed=removed,
    )


def _follow_up(result: ExecutionResult, planned: PlanResult, context: ApplyContext) -> ExecutionResult:
    declared = {resource.address for resource in planned.context.manifests.desired}
    retired = execute_changes(
        build_pending_retirements(context.journal.current_state().entries.values(), declared, context),
        context,
        context.run.progress,
    )
    for entry in find_refreshed_entries(planned, (change.address for change in planned.plan.changes)):
        context.journal.enqueue(_build_entry_event(entry, action="refresh"))
    return replace(
        result,
        outcomes=(*result.outcomes, *retired.outcomes),
        unauthorized=retired.unauthorized,
        stopped=retired.stopped,
    )


def find_refreshed_entries(planned: PlanResult, changed: Iterable[Address]) -> tuple[StateEntry, ...]:
    """Return state entries whose metadata changed although no request was needed.

    Examples: a new comment in a manifest changes its digest, a save in the UI without edits changes
    ``updated_at``. With the new values recorded, the next plan does not read the object again.
    ``changed`` are the addresses with a change of their own; their entries are left out. So are objects
    whose destination was moved outside keyturn, unless the approved plan shows the move as an exposure.
    """
    inputs, excluded = planned.context.scoped.inputs, set(changed)
    exposed = {each.through for change in planned.plan.changes for each in change.exposures}
    addresses = {entry.id: address for address, entry in inputs.entries.items()}
    addresses |= {
        change.live.id: change.address for change in planned.plan.changes if change.desired and change.live
    }
    refreshed = []
    for address, desired in inputs.desired.items():
        entry = inputs.entries.get(address)
        live = inputs.live.get(entry.id) if entry else None
        if entry is None or live is None or address in excluded or entry.retired_at:
            continue
        judged = live.fields if address in exposed else EMPTY
        if not judged and is_moved_outside(desired, entry, live, addresses, is_destination):
            continue
        current = replace(
            entry,
            digest=desired.digest,
            applied=desired.fields,
            observed=select_observed_fields(desired, live, entry, judged),
            fingerprints=inputs.fingerprints.get(address, entry.fingerprints),
            updated_at=live.updated_at,
            protect=desired.lifecycle.protect,
            generation=None,
        )
        if current != entry:
            refreshed.append(current)
    return tuple(refreshed)
