"""A plan without keys: against the manifests of a base revision, or an exported ledger.

It proves what changed in git, not what differs from the live workspace. Secrets are compared by
ciphertext: an equal one means an equal secret in a file that authenticates, another one under the
same data key means that somebody set it again, and when every ciphertext and the data key are new
nothing can be told.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Change, SecretStatus
from keyturn.core.diagnostic import Cause, Diagnostic, DiagnosticError, Severity
from keyturn.core.diff import compute_changes
from keyturn.core.exposing import find_exposures
from keyturn.core.fields import Leaf
from keyturn.core.guard import check_guards
from keyturn.core.inputs import PlanInputs
from keyturn.core.oauth_consent import find_needed_consents
from keyturn.core.order import resolve_dependencies
from keyturn.core.plan import Plan
from keyturn.core.protect import limit_scope
from keyturn.core.question import GuardContext
from keyturn.core.resource import EMPTY, DesiredResource, StateEntry, LiveObject
from keyturn.engine.access import add_access_diagnostics
from keyturn.engine.planning import PlanOptions
from keyturn.load.definitions import is_destination
from keyturn.load.project import Project, Workspace

_REENCRYPTED_REASON = "it was encrypted anew, so whether its value changed cannot be told"


def plan_offline(
    project: Project,
    workspace: Workspace,
    inputs: PlanInputs,
    options: PlanOptions,
    found: tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]],
) -> Plan:
    """Return the plan for two sides that are both in git; raises Faulty for manifests that are wrong.

    ``found`` are the findings of loading, and the access review.
    """
    findings, access = found
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise DiagnosticError(*errors)
    hands = limit_scope(inputs, options.targets)
    changes = resolve_dependencies(find_exposures(compute_changes(hands.inputs), hands.inputs, is_destination), hands.inputs.entries)
    changes = tuple(map(_explain_secret_changes, changes))
    question = GuardContext(
        changes=changes,
        inputs=hands.inputs,
        approvals=options.approvals,
        limits=project.policy.limits,
        users=EMPTY,
    )
    # Only an apply compares secrets; offline, the state of each secret says that it is unknown.
    breaches = (each for each in check_guards(question) if each.cause is not Cause.NOT_COMPARED)
    found_here = (*findings, *hands.diagnostics, *breaches, *find_needed_consents(changes))
    plan = Plan(
        workspace=workspace.name,
        organization=workspace.organization,
        changes=changes,
        diagnostics=tuple(sorted(found_here, key=lambda each: each.sort_key)),
        resources=len(inputs.desired),
        offline=True,
    )
    return add_access_diagnostics(plan, access)


def inputs_from_base(base: Iterable[DesiredResource], desired: Iterable[DesiredResource], reencrypted: frozenset[str]) -> PlanInputs:
    """Return the sides for manifests compared with those of a base; ``anew`` are re-encrypted files."""
    wanted = {each.address: each for each in desired}
    then = {each.address: each for each in base}
    known = {address: _entry_from_base(each) for address, each in then.items()}
    live = {entry.id: _live_from_entry(entry) for entry in known.values()}
    prints = {address: each.ciphertext_digests for address, each in wanted.items() if each.origin.file not in reencrypted}
    return PlanInputs(desired=wanted, entries=known, live=live, fingerprints=prints)


def inputs_from_state(entries: Mapping[Address, StateEntry], desired: Iterable[DesiredResource]) -> PlanInputs:
    """Return the sides for manifests compared with a ledger, as if nobody had touched the workspace."""
    live = {known.id: _live_from_entry(known) for known in entries.values() if not known.retired_at}
    return PlanInputs(desired={each.address: each for each in desired}, entries=entries, live=live)


def _entry_from_base(base: DesiredResource) -> StateEntry:
    return StateEntry(
        address=base.address,
        id=f"base:{base.address}",
        type=base.type,
        digest=base.digest,
        applied=base.fields,
        observed={path: _to_base_id(leaf) for path, leaf in base.fields.items()},
        fingerprints=base.ciphertext_digests,
        updated_at="base",
        protect=base.lifecycle.protect,
    )


def _to_base_id(leaf: Leaf) -> Leaf:
    return f"base:{leaf}" if isinstance(leaf, Address) else leaf


def _live_from_entry(entry: StateEntry) -> LiveObject:
    return LiveObject(
        address=entry.address,
        id=entry.id,
        type=entry.type,
        fields=entry.observed,
        created_at="",
        updated_at=entry.updated_at,
    )


def _explain_secret_changes(change: Change) -> Change:
    words = {
        SecretStatus.UNKNOWN: _REENCRYPTED_REASON,
        SecretStatus.ROTATED: "its ciphertext is another one than at the base",
        SecretStatus.UNCHANGED: "its ciphertext is the one of the base",
    }
    secrets = tuple(replace(each, reason=words.get(each.status, each.reason)) for each in change.secrets)
    return replace(change, secrets=secrets)
