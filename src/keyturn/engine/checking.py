"""Everything that can be said of manifests without a key and without the network."""

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.fields import dotted
from keyturn.core.inputs import Inputs
from keyturn.core.resource import EMPTY, Desired
from keyturn.core.secret import Secret
from keyturn.engine.ages import Ages, ages
from keyturn.load.definitions import types
from keyturn.load.desired import Loaded, load
from keyturn.load.project import FILE, Project, Workspace
from keyturn.policy.judge import Looked, conclude, judge, look
from keyturn.policy.likeness import fingerprints
from keyturn.policy.rule import Context
from keyturn.policy.settings import covers
from keyturn.policy.subject import Subject


class Checked(Struct, frozen=True):
    """What was found and which files were looked at, as paths below the root."""

    findings: tuple[Diagnostic, ...]
    files: tuple[str, ...]

    @property
    def worst(self) -> Severity | None:
        """The gravest severity, None where nothing was found."""
        return min((finding.severity for finding in self.findings), default=None)


def check(
    project: Project,
    workspaces: Iterable[Workspace],
    only: tuple[str, ...],
    today: date,
    environment: Mapping[str, str],
) -> Checked:
    """Check the manifests of some workspaces, or of them only the files ``only``.

    How old secrets are is asked of git for all files together; with ``only`` it is not asked, since a
    change to a file is checked then, and not what time has brought about.
    """
    findings: list[Diagnostic] = []
    subjects: list[Subject] = []
    covered: set[str] = set()
    for workspace in workspaces:
        mine = [file for file in only if any(covers(folder, file) for folder in workspace.manifests)]
        covered.update(mine)
        if only and not mine:
            continue
        loaded = load(project, workspace, mine)
        findings += loaded.findings
        subjects += loaded.subjects
        findings += [_kept(each, dotted(path)) for each in loaded.desired for path in each.keep]
    covered.update(finding.origin.file for finding in findings if finding.origin.line)
    # All workspaces at once: what two environments share is seen in neither of them alone. A file
    # that cannot be read may be what uses a credential, so then they are not all there are.
    whole = not only and not any(finding.severity is Severity.ERROR for finding in findings)
    aged = Ages(today=today) if only else ages(project, subjects, EMPTY, today, environment)
    findings += judge(subjects, project.policy, _context(aged, whole=whole))
    findings += [_stray(file) for file in only if file not in covered and file != FILE]
    files = {subject.file for subject in subjects} | covered
    return Checked(tuple(dict.fromkeys(findings)), tuple(sorted(files)))


def looked_at(project: Project, loaded: Loaded, today: date) -> Looked:
    """Return what the rules say of the manifests as they stand, before anything else is known."""
    return look(loaded.subjects, project.policy, _context(Ages(today=today)))


def judged_with(
    project: Project, looked: Looked, inputs: Inputs, aged: Ages, chance: bytes
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
    likeness = fingerprints(secrets, chance)
    context = replace(_context(aged), secrets=secrets, fingerprints=likeness)
    return conclude(looked, project.policy, context)


def _context(aged: Ages, *, whole: bool = True) -> Context:
    return Context(
        today=aged.today,
        rotated=aged.rotated,
        shallow=aged.shallow,
        lost=aged.lost,
        whole=whole,
        connectors=types("connection"),
    )


def _kept(desired: Desired, field: str) -> Diagnostic:
    return Diagnostic(
        code="KT074",
        severity=Severity.NOTE,
        message=f"{field} keeps its live value: git does not have it",
        origin=desired.origin,
        hint=f"run `keyturn secret set {desired.address.name} {field}` to put one into git",
        address=desired.address,
    )


def _stray(file: str) -> Diagnostic:
    return Diagnostic(
        code="KT044",
        severity=Severity.WARNING,
        message="this file belongs to no workspace and is not checked",
        origin=Origin(file),
        hint="move it below a folder under `manifests:` in keyturn.yaml, or add its folder there",
    )
