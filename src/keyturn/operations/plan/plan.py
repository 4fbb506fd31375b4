"""The pipeline: files, ledger and service in; a plan out. This is the picture of the README."""

from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.manifests.loader import LoadedManifests
from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.diagnostic import Cause, Diagnostic
from keyturn.model.fields import FieldPath
from keyturn.model.plan import Plan
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.operations.observe import list_live_objects, read_live_objects
from keyturn.operations.parallel import start_background
from keyturn.operations.plan.impact import ImpactReport, compute_impact
from keyturn.operations.plan.recovery import Recovery, list_uncertain_retirements, resolve_open_intents
from keyturn.operations.plan.secret_loader import SecretLoader
from keyturn.operations.plan.validate import (
    SecretAges,
    rotation_dates_from_state,
    run_policy,
    run_static_policy,
    secret_ages,
)
from keyturn.operations.run_context import RunContext
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import find_exposures
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import Approvals, PlanInputs
from keyturn.planning.oauth_consent import find_needed_consents
from keyturn.planning.scheduling import resolve_dependencies
from keyturn.planning.scope import ScopedInputs, limit_scope
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.runner import PartialResult
from keyturn.schema.definitions import is_destination
from keyturn.state.reader import LoadedState, load_state


def locate_diagnostics(
    diagnostics: Iterable[Diagnostic], changes: Iterable[Change], subjects: Iterable[ResourceView]
) -> tuple[Diagnostic, ...]:
    """Return the findings of guards with the line and column that a reader should look at."""
    known = {subject.address: subject for subject in subjects}
    exposed = {change.address: _find_exposing_path(change) for change in changes}
    return tuple(_locate_diagnostic(each, exposed, known) for each in diagnostics)


def _find_exposing_path(change: Change) -> FieldPath:
    paths = [each.path for each in change.exposures if each.through == change.address]
    return paths[0] if paths else ()


def _locate_diagnostic(
    diagnostic: Diagnostic, exposed: Mapping[Address, FieldPath], known: Mapping[Address, ResourceView]
) -> Diagnostic:
    subject = known.get(diagnostic.address) if diagnostic.address else None
    if subject is None or diagnostic.address is None or subject.file != diagnostic.origin.file:
        return diagnostic
    path = exposed.get(diagnostic.address, ()) if diagnostic.cause is Cause.NEW_DESTINATION else ()
    return replace(diagnostic, origin=subject.find_location(path or ("name",)))


REQUESTS_PER_ACTION: Mapping[Action, int] = MappingProxyType(
    {
        Action.CREATE: 2,
        Action.UPDATE: 3,
        Action.RENAME: 3,
        Action.ADOPT: 3,
        Action.ROTATE: 8,
        Action.RESTORE: 6,
        Action.RETIRE: 4,
        Action.REPLACE: 8,
    }
)
"""About how many requests a change costs: reading again, writing, reading back, probes and tests."""


class PlanOptions(Struct, frozen=True, kw_only=True):
    """What the user asked for beyond the manifests: a narrower view, consents, secrets to write again."""

    targets: tuple[str, ...] = ()
    approvals: Approvals = field(default_factory=Approvals)
    reassert: frozenset[str] = frozenset()


class PlanContext(Struct, frozen=True, kw_only=True):
    """All that a plan rests on, in the order in which it is found."""

    loaded_state: LoadedState
    manifests: LoadedManifests
    partial_result: PartialResult
    recovery: Recovery
    inputs: PlanInputs
    scoped: ScopedInputs


class PlanResult(Struct, frozen=True):
    """A plan with what it was made of; an apply goes on from here."""

    plan: Plan
    context: PlanContext
    secret_loader: SecretLoader


def plan_workspace(run: RunContext, options: PlanOptions) -> PlanResult:
    """Compare git, ledger and service, and say what would be done; nothing is written."""
    opener = SecretLoader.for_run(run)
    run.progress.start_phase("manifests")
    loaded = opener.load_manifests()
    run.progress.start_phase("workspace")
    ledger = load_state(run.store, run.workspace.name, run.workspace.organization)
    listing = start_background(
        partial(
            list_live_objects,
            run.service,
            list_uncertain_retirements(ledger.state),
            run.workspace.organization,
        )
    )
    # The service takes its time for the lists; what the rules say of the manifests does not hang on them.
    looked = run_static_policy(run.project, loaded, run.clock.now().date())
    listed = listing()
    settled = resolve_open_intents(ledger.state, listed)
    live = read_live_objects(run.service, listed, loaded.desired, settled.entries)
    run.progress.start_phase("secrets")
    sides = opener.decrypt_secrets(
        forget_fingerprints(build_inputs(loaded.desired, settled.entries, live), options.reassert)
    )
    hands = limit_scope(sides, options.targets, run.clock.now().date().isoformat())
    changes = resolve_dependencies(
        find_exposures(compute_changes(hands.inputs), hands.inputs, is_destination, settled.entries),
        settled.entries,
    )
    run.progress.start_phase("reach")
    reach = compute_impact(run.service, changes, live, settled.entries)
    seen = PlanContext(
        loaded_state=ledger,
        manifests=loaded,
        partial_result=looked,
        recovery=settled,
        inputs=sides,
        scoped=hands,
    )
    return PlanResult(build_plan(run, options, seen, changes, reach), seen, opener)


def build_inputs(
    desired: Iterable[DesiredResource], known: Mapping[Address, StateEntry], live: Mapping[str, LiveObject]
) -> PlanInputs:
    """Return the three sides as one value."""
    return PlanInputs(desired={each.address: each for each in desired}, entries=known, live=live)


def forget_fingerprints(inputs: PlanInputs, names: frozenset[str]) -> PlanInputs:
    """Return the inputs with some fingerprints forgotten, so that those secrets are written again."""
    if not names:
        return inputs
    known = {
        address: replace(each, fingerprints={}, digest="") if address.name in names else each
        for address, each in inputs.entries.items()
    }
    return replace(inputs, entries=known)


def build_plan(
    run: RunContext,
    options: PlanOptions,
    context: PlanContext,
    changes: tuple[Change, ...],
    reach: ImpactReport,
) -> Plan:
    """Return the plan: the changes with all that was found on the way, worst first."""
    question = GuardContext(
        changes=changes,
        inputs=context.scoped.inputs,
        approvals=options.approvals,
        limits=run.project.policy.limits,
        users=reach.users,
        remaining_connections=reach.remaining_connections,
    )
    findings = (
        *context.loaded_state.diagnostics,
        *context.manifests.diagnostics,
        *run_policy(
            run.project,
            context.partial_result,
            context.inputs,
            _read_secret_ages(run, context),
            run.new_id().encode(),
        ),
        *context.recovery.diagnostics,
        *context.scoped.diagnostics,
        *locate_diagnostics(check_guards(question), changes, context.manifests.resource_views),
        *find_needed_consents(changes),
    )
    return Plan(
        workspace=run.workspace.name,
        organization=run.workspace.organization,
        changes=changes,
        diagnostics=tuple(sorted(findings, key=lambda each: each.sort_key)),
        impact=reach.impact,
        resources=len(context.manifests.desired),
        requests=sum(REQUESTS_PER_ACTION.get(change.action, 0) for change in changes),
        requests_per_second=run.workspace.pace,
    )


def _read_secret_ages(run: RunContext, context: PlanContext) -> SecretAges:
    today = run.clock.now().date()
    return secret_ages(
        run.project,
        context.manifests.resource_views,
        rotation_dates_from_state(context.inputs),
        today,
        run.environment,
    )
