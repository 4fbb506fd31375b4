"""Plan a workspace: compare its manifests, its state and its live objects."""

from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.manifests.loader import LoadedManifests, verify_cached_manifests
from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.diagnostic import Cause, Diagnostic
from keyturn.model.fields import FieldPath
from keyturn.model.plan import Plan
from keyturn.model.resource import LiveObject
from keyturn.operations.observe import list_live_objects, read_details, read_live_objects
from keyturn.operations.parallel import start_background
from keyturn.operations.plan.approval_inputs import (
    build_approval_inputs,
    find_key_id,
    list_approved_settings,
)
from keyturn.operations.plan.commit_order import find_older_commit
from keyturn.operations.plan.impact import ImpactReport, compute_impact
from keyturn.operations.plan.recovery import Recovery, list_unconfirmed_objects, resolve_open_intents
from keyturn.operations.plan.seal_approval import judge_seals
from keyturn.operations.plan.secret_loader import SecretLoader
from keyturn.operations.plan.validate import (
    rotation_dates_from_state,
    run_policy,
    run_static_policy,
    secret_ages,
)
from keyturn.operations.run_context import RunContext
from keyturn.planning.destination_record import DestinationRules
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import find_exposures
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import Approvals, PlanInputs
from keyturn.planning.missing_objects import find_missing_objects
from keyturn.planning.oauth_consent import find_needed_consents
from keyturn.planning.object_status import find_unknown_statuses
from keyturn.planning.scheduling import resolve_dependencies
from keyturn.planning.scope import ScopedInputs, limit_scope
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.runner import PartialResult
from keyturn.project.project import Workspace
from keyturn.schema.definitions import is_destination, is_named_field
from keyturn.state.reader import LoadedState, load_state

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
"""Estimated requests of one change: read again, write, read back, probe and test connections."""


class PlanOptions(Struct, frozen=True, kw_only=True):
    """The options of a plan.

    ``targets`` are addresses or patterns; none means all. ``reassert`` holds the names of the
    resources whose secrets are written again. Without ``tests``, an apply runs no connection test.
    """

    targets: tuple[str, ...] = ()
    approvals: Approvals = field(default_factory=Approvals)
    reassert: frozenset[str] = frozenset()
    tests: bool = True

    def list_arguments(self) -> tuple[str, ...]:
        """Return the options as arguments of the command line, sorted; defaults are left out."""
        names = {
            "target": self.targets,
            "reassert": self.reassert,
            "adopt": self.approvals.adopt,
            "allow-destination-change": self.approvals.destinations,
            "allow-reuse": self.approvals.reuse,
            "allow-restore": self.approvals.restore,
        }
        numbers = {"allow-retire": self.approvals.retire, "allow-rotate": self.approvals.rotate}
        flags = {
            "allow-empty": self.approvals.empty,
            "allow-older-commit": self.approvals.older_commit,
            "no-test": not self.tests,
        }
        return tuple(
            sorted(
                {f"--{option}={name}" for option, chosen in names.items() for name in chosen}
                | {f"--{option}={number}" for option, number in numbers.items() if number >= 0}
                | {f"--{option}" for option, is_given in flags.items() if is_given}
            )
        )


class PlanContext(Struct, frozen=True, kw_only=True):
    """The data that a plan was computed from; ``rules`` is the result of the static policy rules."""

    loaded_state: LoadedState
    manifests: LoadedManifests
    rules: PartialResult
    recovery: Recovery
    inputs: PlanInputs
    scoped: ScopedInputs


class PlanResult(Struct, frozen=True):
    """A plan, with the context and the secret loader that an apply continues with."""

    plan: Plan
    context: PlanContext
    secret_loader: SecretLoader


def plan_workspace(run: RunContext, options: PlanOptions) -> PlanResult:
    """Compare the manifests, the state and the live objects of a workspace; write nothing.

    Raises DiagnosticError for invalid manifests, an unreadable state, a missing key or an API key
    of another organization; raises ServiceError where a list cannot be read.
    """
    secret_loader = SecretLoader.for_run(run)
    run.progress.start_phase("manifests")
    manifests = secret_loader.load_manifests()
    run.progress.start_phase("workspace")
    state = load_state(run.store, run.workspace.name, run.workspace.organization)
    listing = start_background(partial(_list_live_objects, run, state))
    rules = run_static_policy(run.project, manifests, run.clock.now().date())
    listed = listing()
    recovery = resolve_open_intents(state.state, listed, partial(read_details, run.service))
    live = read_live_objects(run.service, listed, manifests.desired, recovery.entries)
    run.progress.start_phase("secrets")
    inputs = secret_loader.decrypt_secrets(_build_inputs(manifests, recovery, live, options.reassert))
    scoped = limit_scope(inputs, options.targets, run.clock.now().date().isoformat())
    changes = resolve_dependencies(_find_exposed_changes(run, scoped.inputs, recovery), recovery.entries)
    verify_cached_manifests(run.project, manifests, {change.address for change in changes})
    run.progress.start_phase("impact")
    impact = compute_impact(run.service, changes, live, recovery.entries)
    violations = _find_violations(run, options, scoped, changes, impact)
    context = PlanContext(
        loaded_state=state, manifests=manifests, rules=rules, recovery=recovery, inputs=inputs, scoped=scoped
    )
    plan = _build_plan(run, context, changes, impact, violations)
    return PlanResult(_add_approval_inputs(run, plan, context, options), context, secret_loader)


def _list_live_objects(run: RunContext, state: LoadedState) -> tuple[LiveObject, ...]:
    uncertain = list_unconfirmed_objects(state.state)
    return list_live_objects(run.service, uncertain, run.workspace.organization)


def _build_inputs(
    manifests: LoadedManifests,
    recovery: Recovery,
    live: Mapping[str, LiveObject],
    reassert: frozenset[str],
) -> PlanInputs:
    desired = {each.address: each for each in manifests.desired}
    return forget_fingerprints(PlanInputs(desired=desired, entries=recovery.entries, live=live), reassert)


def _find_exposed_changes(run: RunContext, inputs: PlanInputs, recovery: Recovery) -> tuple[Change, ...]:
    rules = build_destination_rules(run.workspace)
    changes = find_exposures(compute_changes(inputs), inputs, rules, recovery.entries)
    return judge_seals(run.key, changes, inputs)


def build_destination_rules(workspace: Workspace) -> DestinationRules:
    """Return what the schemas say about destinations, and whether the deployment merges a PUT."""
    return DestinationRules(
        is_destination=is_destination, is_named=is_named_field, merges=workspace.put == "partial"
    )


def forget_fingerprints(inputs: PlanInputs, names: frozenset[str]) -> PlanInputs:
    """Return the inputs without the fingerprints of some resources, so that a plan writes their secrets."""
    if not names:
        return inputs
    entries = {
        address: replace(entry, fingerprints={}, digest="") if address.name in names else entry
        for address, entry in inputs.entries.items()
    }
    return replace(inputs, entries=entries)


def _find_violations(
    run: RunContext,
    options: PlanOptions,
    scoped: ScopedInputs,
    changes: tuple[Change, ...],
    impact: ImpactReport,
) -> tuple[Diagnostic, ...]:
    return (
        *check_guards(_build_guard_context(run, options, scoped, changes, impact)),
        *find_older_commit(run, changes, is_allowed=options.approvals.older_commit),
    )


def _build_guard_context(
    run: RunContext,
    options: PlanOptions,
    scoped: ScopedInputs,
    changes: tuple[Change, ...],
    impact: ImpactReport,
) -> GuardContext:
    return GuardContext(
        changes=changes,
        inputs=scoped.inputs,
        approvals=options.approvals,
        limits=run.project.policy.limits,
        users=impact.users,
        remaining_connections=impact.remaining_connections,
        merges_updates=run.workspace.put == "partial",
        has_key=run.key is not None,
    )


def _build_plan(
    run: RunContext,
    context: PlanContext,
    changes: tuple[Change, ...],
    impact: ImpactReport,
    violations: tuple[Diagnostic, ...],
) -> Plan:
    diagnostics = (
        *context.loaded_state.diagnostics,
        *context.manifests.diagnostics,
        *_run_policy(run, context),
        *run.service.list_warnings,
        *context.recovery.diagnostics,
        *context.scoped.diagnostics,
        *locate_diagnostics(violations, changes, context.manifests.resource_views),
        *find_needed_consents(changes),
        *find_unknown_statuses(context.scoped.inputs),
        *find_missing_objects(changes, context.scoped.inputs),
    )
    return Plan(
        workspace=run.workspace.name,
        organization=run.workspace.organization,
        changes=changes,
        diagnostics=tuple(sorted(diagnostics, key=lambda diagnostic: diagnostic.sort_key)),
        impact=impact.impact,
        resources=len(context.manifests.desired),
        requests=sum(REQUESTS_PER_ACTION.get(change.action, 0) for change in changes),
        requests_per_second=run.workspace.pace,
    )


def _add_approval_inputs(run: RunContext, plan: Plan, context: PlanContext, options: PlanOptions) -> Plan:
    inputs = build_approval_inputs(
        list_approved_settings(
            run.project, run.workspace, find_key_id(run.project, run.workspace, run.environment)
        ),
        options.list_arguments(),
        context.scoped.inputs,
        plan.changes,
        context.loaded_state.state.open_intents,
    )
    named = ("--workspace", run.workspace.name) if len(run.project.workspaces) > 1 else ()
    return replace(plan, inputs=inputs, command_options=named)


def _run_policy(run: RunContext, context: PlanContext) -> tuple[Diagnostic, ...]:
    ages = secret_ages(
        run.project,
        context.manifests.resource_views,
        rotation_dates_from_state(context.inputs),
        run.clock.now().date(),
        run.environment,
    )
    return run_policy(run.project, context.rules, context.inputs, ages, run.new_id().encode())


def locate_diagnostics(
    diagnostics: Iterable[Diagnostic], changes: Iterable[Change], views: Iterable[ResourceView]
) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of guards with the line and column of the field that they are about."""
    views_by_address = {view.address: view for view in views}
    exposed_paths = {change.address: _find_exposed_path(change) for change in changes}
    return tuple(_locate_diagnostic(each, exposed_paths, views_by_address) for each in diagnostics)


def _find_exposed_path(change: Change) -> FieldPath:
    paths = [exposure.path for exposure in change.exposures if exposure.through == change.address]
    return paths[0] if paths else ()


def _locate_diagnostic(
    diagnostic: Diagnostic,
    exposed_paths: Mapping[Address, FieldPath],
    views: Mapping[Address, ResourceView],
) -> Diagnostic:
    view = views.get(diagnostic.address) if diagnostic.address else None
    if view is None or diagnostic.address is None or view.file != diagnostic.origin.file:
        return diagnostic
    is_exposure = diagnostic.cause is Cause.NEW_DESTINATION
    path = exposed_paths.get(diagnostic.address, ()) if is_exposure else ()
    return replace(diagnostic, origin=view.find_location(path or ("name",)))
