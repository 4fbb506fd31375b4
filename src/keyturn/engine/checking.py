"""Everything that can be said of manifests without a key and without the network."""

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.fields import format_path
from keyturn.core.inputs import PlanInputs
from keyturn.core.resource import EMPTY, DesiredResource
from keyturn.core.secret import Secret
from keyturn.engine.ages import SecretAges, secret_ages
from keyturn.load.definitions import list_known_types
from keyturn.load.desired import LoadedManifests, load_manifests
from keyturn.load.project import PROJECT_FILE, Project, Workspace
from keyturn.policy.judge import PartialResult, run_remaining_rules, run_rules, run_static_rules
from keyturn.policy.likeness import run_fingerprints
from keyturn.policy.rule import RuleContext
from keyturn.policy.settings import covers_file
from keyturn.policy.subject import ResourceView


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
        findings += [_kept_field_note(each, format_path(path)) for each in loaded.desired for path in each.kept_secrets]
    covered.update(finding.origin.file for finding in findings if finding.origin.line)
    # All workspaces at once: what two environments share is seen in neither of them alone. A file
    # that cannot be read may be what uses a credential, so then they are not all there are.
    whole = not only and not any(finding.severity is Severity.ERROR for finding in findings)
    aged = SecretAges(today=today) if only else secret_ages(project, subjects, EMPTY, today, environment)
    findings += run_rules(subjects, project.policy, _build_rule_context(aged, whole=whole))
    findings += [_unassigned_file_warning(file) for file in only if file not in covered and file != PROJECT_FILE]
    files = {subject.file for subject in subjects} | covered
    return ValidationResult(tuple(dict.fromkeys(findings)), tuple(sorted(files)))


def run_static_policy(project: Project, loaded: LoadedManifests, today: date) -> PartialResult:
    """Return what the rules say of the manifests as they stand, before anything else is known."""
    return run_static_rules(loaded.resource_views, project.policy, _build_rule_context(SecretAges(today=today)))


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
