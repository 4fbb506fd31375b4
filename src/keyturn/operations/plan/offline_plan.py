"""A plan without keys: against the manifests of a base revision, or an exported state.

It proves what changed in git, not what differs from the live workspace. Secrets are compared by
ciphertext: an equal one means an equal secret in a file that authenticates, another one under the
same data key means that somebody set it again, and when every ciphertext and the data key are new
nothing can be told.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import SourceFile, find_manifests, load_file
from keyturn.git.revision import Revision, resolve_head
from keyturn.manifests.loader import LoadedManifests, load_manifests, load_manifests_at
from keyturn.model.address import Address
from keyturn.model.change import Change, SecretStatus
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import Leaf
from keyturn.model.plan import Plan
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry
from keyturn.operations.plan.access_review import (
    add_access_diagnostics,
    guarded_setting_changes,
    recipient_changes,
)
from keyturn.operations.plan.plan import PlanOptions, PlanResult
from keyturn.operations.run_context import RunContext
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import find_exposures
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import PlanInputs
from keyturn.planning.oauth_consent import find_needed_consents
from keyturn.planning.scheduling import resolve_dependencies
from keyturn.planning.scope import limit_scope
from keyturn.project.project import Project, Workspace, parse_project
from keyturn.schema.definitions import is_destination
from keyturn.sops.recipients import FileRecipients, recipients_by_file
from keyturn.state.document import decode_state

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
    changes = resolve_dependencies(
        find_exposures(compute_changes(hands.inputs), hands.inputs, is_destination), hands.inputs.entries
    )
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


def inputs_from_base(
    base: Iterable[DesiredResource], desired: Iterable[DesiredResource], reencrypted: frozenset[str]
) -> PlanInputs:
    """Return the sides for manifests compared with those of a base; ``anew`` are re-encrypted files."""
    wanted = {each.address: each for each in desired}
    then = {each.address: each for each in base}
    known = {address: _entry_from_base(each) for address, each in then.items()}
    live = {entry.id: _live_from_entry(entry) for entry in known.values()}
    prints = {
        address: each.ciphertext_digests
        for address, each in wanted.items()
        if each.origin.file not in reencrypted
    }
    return PlanInputs(desired=wanted, entries=known, live=live, fingerprints=prints)


def inputs_from_state(
    entries: Mapping[Address, StateEntry], desired: Iterable[DesiredResource]
) -> PlanInputs:
    """Return the sides for manifests compared with a state, as if nobody had touched the workspace."""
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


def read_exported_state(file: Path, workspace: Workspace) -> Mapping[Address, StateEntry]:
    """Return the entries of an exported state; raises Faulty (KT600 to KT602)."""
    return decode_state(file.read_bytes(), str(file), workspace.name, workspace.organization).entries


SOPS_RULES_FILE = ".sops.yaml"


class BaseComparison(Struct, frozen=True):
    """Both sides of a comparison with a base, and the review of who gained or lost access."""

    commit: str
    inputs: PlanInputs
    access: tuple[Diagnostic, ...]


def find_base_revision(project: Project, name: str, environment: Mapping[str, str]) -> Revision:
    """Return the revision ``name``, or where this branch left the default one; raises Faulty KT007."""
    if name:
        return Revision(project.root, name, environment)
    return Revision.find_fork_point(project.root, environment)


def compare_with_base(
    project: Project, workspace: Workspace, loaded: LoadedManifests, base: Revision
) -> BaseComparison:
    """Compare what was loaded with what the base holds; nothing is decrypted."""
    then = load_manifests_at(project, workspace, base)
    before = recipients_by_file(base.find_manifests(workspace.manifests).sources)
    after = recipients_by_file(find_manifests(project.root, workspace.manifests).sources)
    access = (*recipient_changes(before, after), *_compare_settings(project, base))
    anew = frozenset(
        file for file, now in after.items() if file in before and _is_reencrypted(before[file], now)
    )
    return BaseComparison(base.commit, inputs_from_base(then.desired, loaded.desired, anew), access)


def access_changes(
    project: Project, workspace: Workspace, name: str, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return who gained or lost access since the revision ``name``, or since this branch began.

    A note (KT485) where git knows no base and none was named, nothing outside git; raises Faulty
    KT007 for a name that git does not know. Only files that differ are looked into.
    """
    if not name and not resolve_head(project.root, environment):
        return ()
    try:
        base = find_base_revision(project, name, environment)
    except DiagnosticError as faulty:
        if name:
            raise
        return (_review_skipped_note(faulty.diagnostics[0]),)
    then = {each.relative: each for each in base.find_manifests(workspace.manifests).sources}
    now = {each.relative: each for each in find_manifests(project.root, workspace.manifests).sources}
    moved = [file for file, each in now.items() if file not in then or then[file].digest != each.digest]
    # Who is new to a file that is new can be told only from all files that were there before.
    needed = then if any(file not in then for file in moved) else [file for file in moved if file in then]
    before = recipients_by_file(then[file] for file in needed)
    return (
        *recipient_changes(before, recipients_by_file(now[file] for file in moved)),
        *_compare_settings(project, base),
    )


def access_changes_since(
    project: Project, workspace: Workspace, commit: str, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return who gained or lost access since a commit; a note (KT485) where git no longer has it."""
    try:
        return access_changes(project, workspace, commit, environment)
    except DiagnosticError as faulty:
        return (_review_skipped_note(faulty.diagnostics[0]),)


def _review_skipped_note(diagnostic: Diagnostic) -> Diagnostic:
    message = f"who gained or lost access was not looked at: {diagnostic.message}"
    return replace(diagnostic, code="KT485", severity=Severity.NOTE, message=message)


def _compare_settings(project: Project, base: Revision) -> tuple[Diagnostic, ...]:
    return guarded_setting_changes(
        _read_base_project(project, base), project, rules_changed=_has_rule_changes(project, base)
    )


def _is_reencrypted(before: FileRecipients, now: FileRecipients) -> bool:
    return not now.has_same_data_key(before) and not set(before.wrapped_keys.items()) & set(
        now.wrapped_keys.items()
    )


def _read_base_project(project: Project, base: Revision) -> Project | None:
    try:
        return parse_project(base.read_file("keyturn.yaml").data, project.root)
    except DiagnosticError:
        return None


def _has_rule_changes(project: Project, base: Revision) -> bool:
    return _read_rules(base.read_file) != _read_rules(partial(load_file, project.root))


def _read_rules(read: Callable[[str], SourceFile]) -> bytes:
    try:
        return read(SOPS_RULES_FILE).data
    except DiagnosticError:
        return b""


def plan_against_base(
    project: Project,
    workspace: Workspace,
    options: PlanOptions,
    environment: Mapping[str, str],
    base: str = "",
) -> Plan:
    """Return what git wants beside what it wanted at the revision ``base``, by default the fork point.

    Raises Faulty KT007 where git knows no such revision, and for manifests that are wrong.
    """
    loaded = load_manifests(project, workspace)
    compared = compare_with_base(project, workspace, loaded, find_base_revision(project, base, environment))
    return plan_offline(project, workspace, compared.inputs, options, (loaded.diagnostics, compared.access))


def plan_against_state(
    project: Project, workspace: Workspace, options: PlanOptions, state_file: Path
) -> Plan:
    """Return what git wants beside what an exported state says; raises Faulty KT600 to KT602."""
    loaded = load_manifests(project, workspace)
    sides = inputs_from_state(read_exported_state(state_file, workspace), loaded.desired)
    return plan_offline(project, workspace, sides, options, (loaded.diagnostics, ()))


def add_access_review(run: RunContext, planned: PlanResult, base: str = "") -> PlanResult:
    """Return a plan with who gained or lost access in git since ``base``; raises Faulty KT007."""
    lines = access_changes(run.project, run.workspace, base, run.environment)
    return replace(planned, plan=add_access_diagnostics(planned.plan, lines))
