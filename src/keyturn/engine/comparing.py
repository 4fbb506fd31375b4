"""The tree compared with a base revision: what is wanted, who may read it, what guards it."""

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.core.inputs import PlanInputs
from keyturn.engine.access import recipient_changes, guarded_setting_changes
from keyturn.engine.offline import inputs_from_base
from keyturn.load.access import FileRecipients, recipients_by_file
from keyturn.load.desired import LoadedManifests, load_manifests_at
from keyturn.load.files import SourceFile, load_file, find_manifests
from keyturn.load.project import Project, Workspace, parse_project
from keyturn.load.revision import Revision, resolve_head

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


def compare_with_base(project: Project, workspace: Workspace, loaded: LoadedManifests, base: Revision) -> BaseComparison:
    """Compare what was loaded with what the base holds; nothing is decrypted."""
    then = load_manifests_at(project, workspace, base)
    before = recipients_by_file(base.find_manifests(workspace.manifests).sources)
    after = recipients_by_file(find_manifests(project.root, workspace.manifests).sources)
    access = (*recipient_changes(before, after), *_compare_settings(project, base))
    anew = frozenset(file for file, now in after.items() if file in before and _is_reencrypted(before[file], now))
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
    return (*recipient_changes(before, recipients_by_file(now[file] for file in moved)), *_compare_settings(project, base))


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
    return guarded_setting_changes(_read_base_project(project, base), project, rules_changed=_has_rule_changes(project, base))


def _is_reencrypted(before: FileRecipients, now: FileRecipients) -> bool:
    return not now.has_same_data_key(before) and not set(before.wrapped_keys.items()) & set(now.wrapped_keys.items())


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
