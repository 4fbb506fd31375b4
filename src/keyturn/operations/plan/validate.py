"""Validate manifests without a key and without network."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.files.discovery import is_within, list_path_and_parents
from keyturn.manifests.loader import LoadedManifests, load_manifests
from keyturn.manifests.readable_seals import check_readable_seals
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity, error_diagnostic
from keyturn.model.fields import FieldPath, mask_path
from keyturn.model.resource import EMPTY, DesiredResource
from keyturn.model.secret import Secret
from keyturn.planning.inputs import PlanInputs
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import RuleContext, compute_run_fingerprints
from keyturn.policy.rules.rotation_age import resolve_max_age
from keyturn.policy.runner import PartialResult, run_remaining_rules, run_rules, run_static_rules
from keyturn.project.project import PROJECT_FILE, Project, Workspace
from keyturn.schema.definitions import list_known_types


class SecretAges(Struct, frozen=True, kw_only=True):
    """When secrets last changed, by file and field path; ``history_error`` is why git could not be read."""

    today: date
    rotated: Mapping[str, Mapping[FieldPath, date]] = field(default_factory=lambda: EMPTY)
    shallow: bool = False
    history_error: str = ""


def rotation_dates_from_state(inputs: PlanInputs) -> Mapping[str, Mapping[FieldPath, date]]:
    """Return the rotation dates in the state by manifest file."""
    files = {address: each.origin.file for address, each in inputs.desired.items()}
    return {
        files[entry.address]: {(): date.fromisoformat(entry.rotated_at[:10])}
        for entry in inputs.entries.values()
        if entry.rotated_at and entry.address in files
    }


def secret_ages(
    project: Project,
    views: Iterable[ResourceView],
    known_dates: Mapping[str, Mapping[FieldPath, date]],
    today: date,
    environment: Mapping[str, str],
) -> SecretAges:
    """Return the ages of all secrets with a maximum age; git is run only for files without known dates."""
    undated = {each.file: each for each in views if each.file not in known_dates and each.ciphertext_digests}
    max_ages = {file: resolve_max_age(view, project.policy) for file, view in undated.items()}
    unknown = {file: view for file, view in undated.items() if max_ages[file]}
    if not unknown:
        return SecretAges(today=today, rotated=known_dates)
    # Most runs need no history: a hook checks single files, and the state has the other dates.
    from keyturn.git.secret_history import HistoryQuery, find_secret_dates  # noqa: PLC0415

    query = HistoryQuery(
        root=project.root,
        folders=tuple(folder for each in project.workspaces.values() for folder in each.manifests),
        ciphertext_digests={
            file: frozenset(view.ciphertext_digests.values()) for file, view in unknown.items()
        },
        today=today,
        expected_since=today - timedelta(max(max_ages.values())),
    )
    history = find_secret_dates(query, environment)
    dated = {file: _date_fields(view, history.dates) for file, view in unknown.items()}
    return SecretAges(
        today=today, rotated={**dated, **known_dates}, shallow=history.shallow, history_error=history.error
    )


def _date_fields(view: ResourceView, dates: Mapping[str, date]) -> Mapping[FieldPath, date]:
    dated = {path: dates[digest] for path, digest in view.ciphertext_digests.items() if digest in dates}
    is_same_date = len(dated) == len(view.ciphertext_digests) and len(set(dated.values())) == 1
    return {(): next(iter(dated.values()))} if is_same_date else dated


ManifestLoader: TypeAlias = Callable[
    [Project, Workspace, Collection[str], Mapping[str, str]], LoadedManifests
]
"""Loads the manifests of a workspace, or those at some paths, in an environment."""


class ValidationResult(Struct, frozen=True):
    """The diagnostics and the validated files, as paths below the project's root."""

    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...]

    @property
    def worst_severity(self) -> Severity | None:
        """The worst severity; None without diagnostics."""
        return min((each.severity for each in self.diagnostics), default=None)


def validate_project(
    project: Project,
    workspaces: Iterable[Workspace],
    only: tuple[str, ...],
    today: date,
    environment: Mapping[str, str],
    *,
    loader: ManifestLoader = load_manifests,
) -> ValidationResult:
    """Validate the manifests of some workspaces; with ``only``, just these files and folders.

    A path in ``only`` that leads to no manifest is an error (KT044, KT123, KT125). Secret
    age needs git history, so it is checked only when all files are checked. ``loader`` loads the
    manifests of a workspace, by default those of the working tree.
    """
    diagnostics: list[Diagnostic] = []
    views: list[ResourceView] = []
    checked = {PROJECT_FILE} & set(only)
    folders: list[str] = []
    for workspace in workspaces:
        folders += workspace.manifests
        named = [path for path in only if _overlaps(path, workspace.manifests)]
        if only and not named:
            continue
        loaded = loader(project, workspace, named, environment)
        checked.update(loaded.files)
        diagnostics += loaded.diagnostics
        views += loaded.resource_views
        diagnostics += check_readable_seals(project, workspace, loaded.desired, environment)
        diagnostics += [
            _kept_field_note(each, mask_path(path)) for each in loaded.desired for path in each.kept_secrets
        ]
    # One run of the rules for all workspaces: a secret may be shared between environments. An
    # unreadable file may use a credential, so the manifests are then incomplete.
    complete = not only and not any(each.severity is Severity.ERROR for each in diagnostics)
    ages = SecretAges(today=today) if only else secret_ages(project, views, EMPTY, today, environment)
    diagnostics += run_rules(views, project.policy, _build_rule_context(ages, complete=complete))
    found = {
        name
        for file in checked | {each.origin.file for each in diagnostics}
        for name in list_path_and_parents(file)
    }
    diagnostics += [_unchecked_path_error(project.root, path, folders) for path in only if path not in found]
    return ValidationResult(tuple(dict.fromkeys(diagnostics)), tuple(sorted(checked)))


def run_static_policy(project: Project, loaded: LoadedManifests, today: date) -> PartialResult:
    """Run the policy rules that need only the manifests."""
    return run_static_rules(
        loaded.resource_views, project.policy, _build_rule_context(SecretAges(today=today))
    )


def run_policy(
    project: Project, partial_result: PartialResult, inputs: PlanInputs, ages: SecretAges, random_bytes: bytes
) -> tuple[Diagnostic, ...]:
    """Run the remaining policy rules, which need the ages of secrets and the decrypted secrets.

    ``random_bytes`` is the key of the fingerprints that find equal secrets; it is new for each run.
    """
    files = {address: each.origin.file for address, each in inputs.desired.items()}
    secrets = {
        files[address]: {path: value for path, value in each.secrets.items() if isinstance(value, Secret)}
        for address, each in inputs.desired.items()
        if each.secrets
    }
    secrets = {file: decrypted for file, decrypted in secrets.items() if decrypted}
    fingerprints = compute_run_fingerprints(secrets, random_bytes)
    context = replace(_build_rule_context(ages), secrets=secrets, fingerprints=fingerprints)
    return run_remaining_rules(partial_result, project.policy, context)


def _build_rule_context(ages: SecretAges, *, complete: bool = True) -> RuleContext:
    return RuleContext(
        today=ages.today,
        rotated=ages.rotated,
        shallow_history=ages.shallow,
        history_error=ages.history_error,
        complete=complete,
        connectors=list_known_types("connection"),
    )


def _kept_field_note(desired: DesiredResource, field: str) -> Diagnostic:
    return Diagnostic(
        code="KT074",
        severity=Severity.NOTE,
        message=f"{field} keeps its live value: the manifest has no value",
        origin=desired.origin,
        hint=f"to set a value, run `keyturn secret set {desired.address.name} {field}`",
        address=desired.address,
    )


def _overlaps(path: str, folders: Iterable[str]) -> bool:
    return any(is_within(path, folder) or is_within(folder, path) for folder in folders)


def _unchecked_path_error(root: Path, path: str, folders: Iterable[str]) -> Diagnostic:
    if not (root / path).exists():
        return error_diagnostic("KT123", SourceLocation(path), "no such file or folder", "correct the path")
    if not _overlaps(path, folders):
        hint = "move it into a folder under `manifests:` in keyturn.yaml, or add its folder there"
        return error_diagnostic("KT044", SourceLocation(path), "belongs to no workspace: not validated", hint)
    if (root / path).is_dir():
        hint = "name a folder that has manifests"
        return error_diagnostic("KT123", SourceLocation(path), "the folder has no manifests", hint)
    message = "not a manifest: keyturn reads only *.yaml and *.yml without a dot at the start"
    return error_diagnostic("KT125", SourceLocation(path), message, "rename the file, or do not name it")
