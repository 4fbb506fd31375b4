"""Everything that can be said of manifests without a key and without the network."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.manifests.loader import LoadedManifests, load_manifests
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.fields import FieldPath, format_path
from keyturn.model.resource import EMPTY, DesiredResource
from keyturn.model.secret import Secret
from keyturn.planning.inputs import PlanInputs
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import RuleContext, run_fingerprints
from keyturn.policy.rules.rotation_age import effective_max_age
from keyturn.policy.runner import PartialResult, run_remaining_rules, run_rules, run_static_rules
from keyturn.policy.settings import covers_file
from keyturn.project.project import PROJECT_FILE, Project, Workspace
from keyturn.schema.definitions import list_known_types


class SecretAges(Struct, frozen=True, kw_only=True):
    """When secrets last changed, as a ``Context`` takes it, and why some of it is not known."""

    today: date
    rotated: Mapping[str, Mapping[FieldPath, date]] = field(default_factory=lambda: EMPTY)
    shallow: bool = False
    history_error: str = ""


def rotation_dates_from_state(inputs: PlanInputs) -> Mapping[str, Mapping[FieldPath, date]]:
    """Return the days of rotation that the state knows, by the file of the manifest."""
    files = {address: each.origin.file for address, each in inputs.desired.items()}
    return {
        files[known.address]: {(): date.fromisoformat(known.rotated_at[:10])}
        for known in inputs.entries.values()
        if known.rotated_at and known.address in files
    }


def secret_ages(
    project: Project,
    subjects: Iterable[ResourceView],
    known_dates: Mapping[str, Mapping[FieldPath, date]],
    today: date,
    environment: Mapping[str, str],
) -> SecretAges:
    """Return the ages of all secrets that a rule asks about; git is run only for what ``told`` lacks."""
    asking = {one.file: one for one in subjects if one.file not in known_dates and one.ciphertext_digests}
    most = {file: effective_max_age(one, project.policy) for file, one in asking.items()}
    unknown = {file: one for file, one in asking.items() if most[file]}
    if not unknown:
        return SecretAges(today=today, rotated=known_dates)
    # Most runs ask git for nothing: a hook sees single files, and a state knows the rest.
    from keyturn.git.secret_history import HistoryQuery, secret_dates  # noqa: PLC0415

    question = HistoryQuery(
        root=project.root,
        folders=tuple(folder for each in project.workspaces.values() for folder in each.manifests),
        ciphertext_digests={
            file: frozenset(one.ciphertext_digests.values()) for file, one in unknown.items()
        },
        today=today,
        expected_since=today - timedelta(max(most.values())),
    )
    found = secret_dates(question, environment)
    dated = {file: _date_fields(one, found.dates) for file, one in unknown.items()}
    return SecretAges(
        today=today, rotated={**dated, **known_dates}, shallow=found.shallow, history_error=found.error
    )


def _date_fields(subject: ResourceView, days: Mapping[str, date]) -> Mapping[FieldPath, date]:
    found = {path: days[cipher] for path, cipher in subject.ciphertext_digests.items() if cipher in days}
    one_day = len(found) == len(subject.ciphertext_digests) and len(set(found.values())) == 1
    return {(): next(iter(found.values()))} if one_day else found


class ValidationResult(Struct, frozen=True):
    """What was found and which files were looked at, as paths below the root."""

    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...]

    @property
    def worst_severity(self) -> Severity | None:
        """The gravest severity, None where nothing was found."""
        return min((finding.severity for finding in self.diagnostics), default=None)


def validate_project(
    project: Project,
    workspaces: Iterable[Workspace],
    only: tuple[str, ...],
    today: date,
    environment: Mapping[str, str],
) -> ValidationResult:
    """Check the manifests of some workspaces, or of them only the files ``only``.

    How old secrets are is asked of git for all files together; with ``only`` it is not asked, since a
    change to a file is checked then, and not what time has brought about.
    """
    findings: list[Diagnostic] = []
    subjects: list[ResourceView] = []
    covered: set[str] = set()
    for workspace in workspaces:
        mine = [file for file in only if any(covers_file(folder, file) for folder in workspace.manifests)]
        covered.update(mine)
        if only and not mine:
            continue
        loaded = load_manifests(project, workspace, mine)
        findings += loaded.diagnostics
        subjects += loaded.resource_views
        findings += [
            _kept_field_note(each, format_path(path)) for each in loaded.desired for path in each.kept_secrets
        ]
    covered.update(finding.origin.file for finding in findings if finding.origin.line)
    # All workspaces at once: what two environments share is seen in neither of them alone. A file
    # that cannot be read may be what uses a credential, so then they are not all there are.
    whole = not only and not any(finding.severity is Severity.ERROR for finding in findings)
    aged = SecretAges(today=today) if only else secret_ages(project, subjects, EMPTY, today, environment)
    findings += run_rules(subjects, project.policy, _build_rule_context(aged, whole=whole))
    findings += [
        _unassigned_file_warning(file) for file in only if file not in covered and file != PROJECT_FILE
    ]
    files = {subject.file for subject in subjects} | covered
    return ValidationResult(tuple(dict.fromkeys(findings)), tuple(sorted(files)))


def run_static_policy(project: Project, loaded: LoadedManifests, today: date) -> PartialResult:
    """Return what the rules say of the manifests as they stand, before anything else is known."""
    return run_static_rules(
        loaded.resource_views, project.policy, _build_rule_context(SecretAges(today=today))
    )


def run_policy(
    project: Project, partial_result: PartialResult, inputs: PlanInputs, ages: SecretAges, random_bytes: bytes
) -> tuple[Diagnostic, ...]:
    """Return what the rules say when the ages and the opened secrets are known as well.

    ``chance`` are random bytes of this run: equal secrets are found by fingerprints under them,
    which are worth nothing afterwards.
    """
    files = {address: each.origin.file for address, each in inputs.desired.items()}
    secrets = {
        files[address]: {path: value for path, value in each.secrets.items() if isinstance(value, Secret)}
        for address, each in inputs.desired.items()
        if each.secrets
    }
    secrets = {file: opened for file, opened in secrets.items() if opened}
    likeness = run_fingerprints(secrets, random_bytes)
    context = replace(_build_rule_context(ages), secrets=secrets, fingerprints=likeness)
    return run_remaining_rules(partial_result, project.policy, context)


def _build_rule_context(ages: SecretAges, *, whole: bool = True) -> RuleContext:
    return RuleContext(
        today=ages.today,
        rotated=ages.rotated,
        shallow_history=ages.shallow,
        history_error=ages.history_error,
        complete=whole,
        connectors=list_known_types("connection"),
    )


def _kept_field_note(desired: DesiredResource, field: str) -> Diagnostic:
    return Diagnostic(
        code="KT074",
        severity=Severity.NOTE,
        message=f"{field} keeps its live value: git does not have it",
        origin=desired.origin,
        hint=f"run `keyturn secret set {desired.address.name} {field}` to put one into git",
        address=desired.address,
    )


def _unassigned_file_warning(file: str) -> Diagnostic:
    return Diagnostic(
        code="KT044",
        severity=Severity.WARNING,
        message="this file belongs to no workspace and is not checked",
        origin=SourceLocation(file),
        hint="move it below a folder under `manifests:` in keyturn.yaml, or add its folder there",
    )
