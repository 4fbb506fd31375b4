"""Plan without keys and without network: against a base revision, or against an exported state.

The plan shows what changed in git, not how the live workspace differs. Secrets are compared by
ciphertext. Same ciphertext: same secret. Different ciphertext, same data key: the secret changed.
New data key: unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import SourceFile, find_manifests, load_file
from keyturn.git.base_commit import find_base_commit
from keyturn.git.revision import Revision, resolve_head
from keyturn.git.work_tree import check_work_tree
from keyturn.manifests.loader import LoadedManifests, load_manifests, load_sources
from keyturn.manifests.readable_seals import check_readable_seals
from keyturn.model.address import Address
from keyturn.model.change import Change, SecretStatus
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import Leaf
from keyturn.model.plan import Plan
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry
from keyturn.operations.plan.plan import PlanOptions, PlanResult, build_destination_rules
from keyturn.operations.plan.seal_approval import judge_seals
from keyturn.operations.review.access_review import (
    SOPS_RULES_FILE,
    add_access_diagnostics,
    guarded_setting_changes,
    recipient_changes,
    unreadable_settings_warning,
)
from keyturn.operations.review.base_manifests import (
    BaseManifests,
    find_base_manifests,
    find_unreadable_manifests,
)
from keyturn.operations.review.stale_macs import find_stale_macs
from keyturn.operations.run_context import RunContext
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import find_exposures
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import PlanInputs
from keyturn.planning.oauth_consent import find_needed_consents
from keyturn.planning.scheduling import resolve_dependencies
from keyturn.planning.scope import limit_scope
from keyturn.project.project import Project, Workspace
from keyturn.project.workspace_key import find_key_changes, load_workspace_key
from keyturn.sops.recipients import FileRecipients, recipients_by_file
from keyturn.state.document import decode_state

_SECRET_REASONS = {
    SecretStatus.UNKNOWN: "the file has a new data key: whether the value changed is unknown",
    SecretStatus.ROTATED: "the ciphertext differs from the base",
    SecretStatus.UNCHANGED: "the ciphertext is equal to the base",
}


class BaseComparison(Struct, frozen=True):
    """The inputs of a plan against a base revision, the access review, and what else was found.

    ``diagnostics`` say how the base was found, and which files no key decrypts any more.
    """

    inputs: PlanInputs
    access: tuple[Diagnostic, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def plan_against_base(
    project: Project,
    workspace: Workspace,
    options: PlanOptions,
    environment: Mapping[str, str],
    base: str = "",
) -> Plan:
    """Return the plan from the manifests at ``base``, by default the fork point, to the current ones.

    Raises DiagnosticError: KT007 for an unknown revision, KT126 and KT127 for a clone without all
    manifests, and the errors of invalid manifests.
    """
    loaded = load_complete_manifests(project, workspace, environment)
    commit = find_base_commit(project.root, base, environment)
    compared = compare_with_base(project, workspace, loaded, commit.revision, environment)
    plan = plan_offline(project, workspace, compared.inputs, options, loaded.diagnostics)
    keys = find_key_changes(project, workspace, commit.revision.commit, environment)
    plan = add_access_diagnostics(plan, compared.access, (*compared.diagnostics, *keys))
    return replace(plan, base=commit.description)


def load_complete_manifests(
    project: Project, workspace: Workspace, environment: Mapping[str, str]
) -> LoadedManifests:
    """Load the manifests of a workspace without the cache.

    Raises DiagnosticError (KT126, KT127) if the work tree lacks manifests that git holds.
    """
    loaded = load_manifests(project, workspace)
    missing = check_work_tree(project.root, workspace.manifests, loaded.files, environment)
    if missing:
        raise DiagnosticError(*missing)
    return loaded


def plan_against_state(
    project: Project,
    workspace: Workspace,
    options: PlanOptions,
    state_file: Path,
    environment: Mapping[str, str] = EMPTY,
) -> Plan:
    """Return the plan from an exported state to the manifests.

    Raises DiagnosticError KT600 to KT602 for an invalid state file, and for invalid manifests.
    """
    loaded = load_complete_manifests(project, workspace, environment)
    inputs = inputs_from_state(read_exported_state(state_file, workspace), loaded.desired)
    return plan_offline(project, workspace, inputs, options, loaded.diagnostics)


def plan_offline(
    project: Project,
    workspace: Workspace,
    inputs: PlanInputs,
    options: PlanOptions,
    diagnostics: tuple[Diagnostic, ...] = (),
) -> Plan:
    """Return the plan of inputs that were read offline.

    ``diagnostics`` are those of the manifests; raises DiagnosticError if one of them is an error.
    """
    errors = [each for each in diagnostics if each.severity is Severity.ERROR]
    if errors:
        raise DiagnosticError(*errors)
    scoped = limit_scope(inputs, options.targets)
    changes = compute_changes(scoped.inputs)
    changes = find_exposures(changes, scoped.inputs, build_destination_rules(workspace), inputs.entries)
    key = load_workspace_key(project, workspace, EMPTY)
    changes = judge_seals(key, changes, scoped.inputs)
    changes = resolve_dependencies(changes, scoped.inputs.entries)
    changes = tuple(map(_explain_secret_changes, changes))
    context = GuardContext(
        changes=changes,
        inputs=scoped.inputs,
        approvals=options.approvals,
        limits=project.policy.limits,
        users=EMPTY,
        has_key=key is not None,
    )
    seals = check_readable_seals(project, workspace, inputs.desired.values(), EMPTY)
    # Only an apply compares secrets; offline, the status of a secret says that it is unknown.
    violations = (each for each in check_guards(context) if each.cause is not Cause.NOT_COMPARED)
    found = (*diagnostics, *seals, *scoped.diagnostics, *violations, *find_needed_consents(changes))
    return Plan(
        workspace=workspace.name,
        organization=workspace.organization,
        changes=changes,
        diagnostics=tuple(sorted(found, key=lambda each: each.sort_key)),
        resources=len(inputs.desired),
        offline=True,
    )


def _explain_secret_changes(change: Change) -> Change:
    secrets = tuple(
        replace(each, reason=_SECRET_REASONS.get(each.status, each.reason)) for each in change.secrets
    )
    return replace(change, secrets=secrets)


def inputs_from_base(
    base: Iterable[DesiredResource], desired: Iterable[DesiredResource], reencrypted: frozenset[str]
) -> PlanInputs:
    """Return the inputs that compare manifests with those of a base.

    ``reencrypted`` are the files with a new data key.
    """
    desired_by_address = {each.address: each for each in desired}
    entries = {each.address: _entry_from_base(each) for each in base}
    return PlanInputs(
        desired=desired_by_address,
        entries=entries,
        live={entry.id: _live_from_entry(entry) for entry in entries.values()},
        fingerprints={
            address: each.ciphertext_digests
            for address, each in desired_by_address.items()
            if each.origin.file not in reencrypted
        },
    )


def inputs_from_state(
    entries: Mapping[Address, StateEntry], desired: Iterable[DesiredResource]
) -> PlanInputs:
    """Return the inputs that compare manifests with a state, as if nothing changed outside keyturn."""
    live = {entry.id: _live_from_entry(entry) for entry in entries.values() if not entry.retired_at}
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


def read_exported_state(file: Path, workspace: Workspace) -> Mapping[Address, StateEntry]:
    """Return the entries of an exported state; raises DiagnosticError KT600 to KT602."""
    return decode_state(file.read_bytes(), str(file), workspace.name, workspace.organization).entries


def compare_with_base(
    project: Project,
    workspace: Workspace,
    loaded: LoadedManifests,
    base: Revision,
    environment: Mapping[str, str],
) -> BaseComparison:
    """Compare loaded manifests with those of a base revision; nothing is decrypted.

    Raises DiagnosticError: KT126 for a submodule that is not here, KT007 for missing objects.
    """
    sources = find_manifests(project.root, workspace.manifests).sources
    found = find_base_manifests(project, workspace, base, sources, environment)
    base_settings = (found.workspace.project or project).policy
    base_manifests = load_sources(base_settings, workspace.name, (*found.sources, *found.followed))
    before, after = found.read_recipients(), recipients_by_file(sources)
    access = (
        *recipient_changes(before, after),
        *_compare_settings(project, workspace, found),
    )
    diagnostics = (
        *found.notes,
        *find_unreadable_manifests(found, base_manifests.desired),
        *find_stale_macs(project.root, before, after, environment),
    )
    reencrypted = frozenset(
        file for file, now in after.items() if file in before and _is_reencrypted(before[file], now)
    )
    inputs = inputs_from_base(base_manifests.desired, loaded.desired, reencrypted)
    return BaseComparison(inputs, access, diagnostics)


def _is_reencrypted(before: FileRecipients, now: FileRecipients) -> bool:
    shares_wrapped_key = set(before.wrapped_keys.items()) & set(now.wrapped_keys.items())
    return not now.has_same_data_key(before) and not shares_wrapped_key


def add_access_review(run: RunContext, planned: PlanResult, base: str = "") -> PlanResult:
    """Return a plan with the access changes in git since ``base``; raises DiagnosticError KT007."""
    access = access_changes(run.project, run.workspace, base, run.environment)
    return replace(planned, plan=add_access_diagnostics(planned.plan, access))


def access_changes(
    project: Project, workspace: Workspace, name: str, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return the access changes since the revision ``name``, or since the fork point of the branch.

    Only files that differ are read. Without a name, the result is a note (KT485) if git has no base,
    and empty outside of git. Raises DiagnosticError KT007 for an unknown name.
    """
    if not name and not resolve_head(project.root, environment):
        return ()
    try:
        base = find_base_commit(project.root, name, environment).revision
        return _review_access(project, workspace, base, environment)
    except DiagnosticError as error:
        if name:
            raise
        return (_review_skipped_note(error.diagnostics[0]),)


def _review_access(
    project: Project, workspace: Workspace, base: Revision, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    now = find_manifests(project.root, workspace.manifests).sources
    found = find_base_manifests(project, workspace, base, now, environment)
    then = {found.successors[each]: each for each in found.all_sources if each in found.successors}
    changed = [each for each in now if each.relative not in then or then[each.relative].digest != each.digest]
    after = recipients_by_file(changed)
    # The recipients that a new encrypted file adds are known only from all files of the base.
    is_any_new = any(file not in then for file in after)
    needed = None if is_any_new else frozenset(then[file] for file in after)
    return (
        *recipient_changes(found.read_recipients(needed), after),
        *_compare_settings(project, workspace, found),
    )


def access_changes_since(
    project: Project, workspace: Workspace, commit: str, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return the access changes since a commit; a note (KT485) if git does not have the commit."""
    try:
        return access_changes(project, workspace, commit, environment)
    except DiagnosticError as error:
        return (_review_skipped_note(error.diagnostics[0]),)


def _review_skipped_note(diagnostic: Diagnostic) -> Diagnostic:
    message = f"access changes were not reviewed: {diagnostic.message}"
    return replace(diagnostic, code="KT485", severity=Severity.NOTE, message=message)


def _compare_settings(project: Project, workspace: Workspace, found: BaseManifests) -> tuple[Diagnostic, ...]:
    base = found.workspace
    rules_changed = _read_rules(base.revision.read_file) != _read_rules(partial(load_file, project.root))
    if base.is_invalid:
        return (unreadable_settings_warning(),)
    previous_name = base.outline.name if base.outline else workspace.name
    before = base.project and _rename_workspace(base.project, previous_name, workspace.name)
    return guarded_setting_changes(before, project, rules_changed=rules_changed)


def _rename_workspace(project: Project, old: str, new: str) -> Project:
    renamed = {new if name == old else name: each for name, each in project.workspaces.items()}
    return replace(project, workspaces=renamed)


def _read_rules(read: Callable[[str], SourceFile]) -> bytes:
    try:
        return read(SOPS_RULES_FILE).data
    except DiagnosticError:
        return b""
