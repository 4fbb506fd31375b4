"""One apply from lock to release: plan again, ask, write, tidy up, record."""

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.records import RequestStats
from keyturn.client.request_body import SecretRedactor
from keyturn.model.address import Address
from keyturn.model.change import Action, ChangeOutcome, OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.plan import NO_OP_ACTIONS, Plan
from keyturn.model.resource import StateEntry
from keyturn.model.secret import Secret
from keyturn.operations.apply.context import ApplyContext
from keyturn.operations.apply.executor import ExecutionResult, execute_changes
from keyturn.operations.apply.lifecycle import pending_retirements
from keyturn.operations.apply.rotate import purge_probe
from keyturn.operations.state_entries import select_observed_fields
from keyturn.operations.apply.writes import LOOKUP_DELAYS
from keyturn.operations.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.operations.plan.plan import PlanOptions, PlanResult, plan_workspace
from keyturn.operations.run_context import RunContext
from keyturn.planning.exposure import credential_destinations
from keyturn.schema.definitions import is_destination
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.journal import Journal


class ApplyOptions(Struct, frozen=True, kw_only=True):
    """How an apply goes about its work; times in seconds, ``deadline`` 0 for none.

    ``stopped`` is asked before every write: true means that nothing new may begin.
    """

    parallelism: int = 8
    tests: bool = True
    lock_timeout: float = 0.0
    deadline: float = 0.0
    is_stopped: Callable[[], bool] = lambda: False


class ApplyReport(Struct, frozen=True, kw_only=True):
    """What came of an apply: the plan it made, how each change ended, and what it cost."""

    plan: Plan
    outcomes: tuple[ChangeOutcome, ...] = ()
    unauthorized: bool = False
    stopped: bool = False
    approved: bool = True
    request_stats: RequestStats | None = None


def apply_plan(
    run: RunContext,
    plan_options: PlanOptions,
    apply_options: ApplyOptions,
    decide: Callable[[PlanResult], bool],
) -> ApplyReport:
    """Take the lock, plan, let ``decide`` look at the plan, and make its changes if it says yes.

    Raises Held while somebody else applies, Faulty where nothing could be begun or where the plan
    is ``blocked``, whatever ``decide`` says. Whatever happens after the first write is in the report
    and in the journal, never lost in an exception.
    """
    run.progress.start_phase("lock")
    with exclusive_run(run, "apply", apply_options.lock_timeout) as held:
        planned = _make_plan(run, plan_options)
        if not decide(planned):
            return ApplyReport(plan=planned.plan, approved=False)
        if planned.plan.blocking_diagnostics:
            raise DiagnosticError(*planned.plan.blocking_diagnostics)
        ended = _apply_changes(run, planned, apply_options, held)
        return ApplyReport(
            plan=planned.plan,
            outcomes=ended.outcomes,
            unauthorized=ended.unauthorized or run.service.unauthorized,
            stopped=ended.stopped,
            request_stats=run.service.request_stats,
        )


def _make_plan(run: RunContext, options: PlanOptions) -> PlanResult:
    run.progress.start_phase("plan")
    planned = plan_workspace(run, options)
    pause = max(
        (_compute_lookup_delay(run, intent) for intent in planned.context.recovery.unresolved), default=0.0
    )
    if pause <= 0:
        return planned
    # What a lost request made may not be in the lists yet: wait, and look again.
    run.sleep(pause)
    return plan_workspace(run, options)


def _compute_lookup_delay(run: RunContext, intent: Intent) -> float:
    if not intent.server_date or run.service.server_date is None:
        return sum(LOOKUP_DELAYS)
    return sum(LOOKUP_DELAYS) - (
        run.service.server_date - datetime.fromisoformat(intent.server_date).timestamp()
    )


def _apply_changes(
    run: RunContext, planned: PlanResult, options: ApplyOptions, held: ExclusiveRun
) -> ExecutionResult:
    journal = held.begin_journal(planned.context.loaded_state)
    desk = _build_context(run, planned, journal, _permission(run, options, held), tests=options.tests)
    with run.service.limited_concurrency(options.parallelism, desk.may_write):
        _record_recovery(planned, desk)
        run.progress.start_phase("apply", len(planned.plan.changes))
        ended = execute_changes(planned.plan.changes, desk, run.progress, options.parallelism)
        if not (ended.unauthorized or ended.stopped):
            ended = _follow_up(ended, planned, desk)
    counts = {
        ending.value: sum(each.outcome_status is ending for each in ended.outcomes)
        for ending in OutcomeStatus
    }
    held.end_journal(counts, "halted" if ended.stopped else "ended")
    return ended


def _permission(run: RunContext, terms: ApplyOptions, held: ExclusiveRun) -> Callable[[], bool]:
    end = run.clock.monotonic() + terms.deadline

    def may_write() -> bool:
        if terms.is_stopped() or (terms.deadline and run.clock.monotonic() > end):
            return False
        if run.service.circuit_breaker.is_open or run.service.unauthorized:
            return False
        return held.holds_lock()

    return may_write


def _build_context(
    run: RunContext, planned: PlanResult, journal: Journal, allowed: Callable[[], bool], *, tests: bool
) -> ApplyContext:
    known = planned.context.recovery.entries.values()
    return ApplyContext(
        run=run,
        journal=journal,
        ids={each.address: each.id for each in known if not each.retired_at}
        | _find_existing_ids(planned.plan),
        entries={each.id: each for each in known},
        fingerprint_key=planned.secret_loader.derive_fingerprint_key,
        may_write=allowed,
        tests=tests,
        redactor=_build_redactor(planned),
        taken_ids={each.id for each in known} | planned.context.scoped.inputs.live.keys(),
        changes={
            each.live.id: each
            for each in planned.plan.changes
            if each.live and each.action not in NO_OP_ACTIONS
        },
        destinations=credential_destinations(planned.plan.changes, is_destination),
    )


def _find_existing_ids(plan: Plan) -> dict[Address, str]:
    # What is renamed or comes back keeps its id, and may be referred to before its turn comes.
    stays = (each for each in plan.changes if each.desired and each.action is not Action.REPLACE)
    return {each.address: each.live.id for each in stays if each.live}


def _build_redactor(planned: PlanResult) -> SecretRedactor:
    secrets = (each.secrets.values() for each in planned.context.inputs.desired.values())
    return SecretRedactor(value for values in secrets for value in values if isinstance(value, Secret))


def _record_recovery(planned: PlanResult, context: ApplyContext) -> None:
    # What was found comes first, the ends of the intents after it: a run that dies in between looks again.
    before, after = planned.context.loaded_state.state.entries, planned.context.recovery.entries
    gone = tuple(address for address in before if address not in after)
    for entry in (known for address, known in after.items() if before.get(address) != known):
        context.journal.enqueue(_build_entry_event(entry, gone))
    left = {intent.id: identity for intent, identity in planned.context.recovery.leftover_probes}
    for intent in planned.context.loaded_state.state.open_intents:
        if intent.id in left:
            purge_probe(intent, left[intent.id], context, again=True)
        else:
            context.record_failure(intent, OutcomeStatus.FAILED, "settled by looking")


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
    # What was replaced is retired; manifests that changed without changing anything are noted.
    rest = execute_changes(
        pending_retirements(context.journal.current_state().entries.values(), context),
        context,
        context.run.progress,
    )
    for entry in find_refreshed_entries(planned, (each.address for each in planned.plan.changes)):
        context.journal.enqueue(_build_entry_event(entry, action="refresh"))
    return replace(
        result,
        outcomes=(*result.outcomes, *rest.outcomes),
        unauthorized=rest.unauthorized,
        stopped=rest.stopped,
    )


def find_refreshed_entries(planned: PlanResult, changed: Iterable[Address]) -> tuple[StateEntry, ...]:
    """Return the entries that say less than what is now known, though nothing had to be written.

    A comment in a manifest or a protection that was added changes the file's digest, and a save in
    the UI that changed nothing moves ``updated_at``: both are remembered, so that the next plan
    does not look again.
    """
    inputs, busy = planned.context.scoped.inputs, set(changed)
    found = []
    for address, desired in inputs.desired.items():
        known = inputs.entries.get(address)
        live = inputs.live.get(known.id) if known else None
        if known is None or live is None or address in busy or known.retired_at:
            continue
        now = replace(
            known,
            digest=desired.digest,
            applied=desired.fields,
            observed=select_observed_fields(desired, live, known),
            fingerprints=inputs.fingerprints.get(address, known.fingerprints),
            updated_at=live.updated_at,
            protect=desired.lifecycle.protect,
        )
        if now != known:
            found.append(now)
    return tuple(found)
