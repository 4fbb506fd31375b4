"""One validation of the command line: the chosen files, the diagnostics, the output."""

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field

from keyturn.cli.environment import read_environment
from keyturn.files.discovery import read_excerpts
from keyturn.manifests.staged import StagedManifests, read_staged_project
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.resource import EMPTY
from keyturn.operations.plan.validate import ValidationResult, validate_project
from keyturn.project.project import find_project_root, open_project
from keyturn.views.diagnostics import render_diagnostics
from keyturn.views.diagnostics.text import DiagnosticReport
from keyturn.views.terminal import TerminalStyle


class ProjectValidation(Struct, frozen=True):
    """The result of a validation and the root of its project.

    ``texts`` has the checked text of files that were not read from the working tree, by path.
    """

    root: Path
    result: ValidationResult
    texts: Mapping[str, str] = field(default_factory=lambda: EMPTY)

    def has_failures(self, *, strict: bool) -> bool:
        """Return whether the worst diagnostic fails the command."""
        worst = self.result.worst_severity
        return worst is not None and worst <= (Severity.WARNING if strict else Severity.ERROR)


def validate_paths(folder: Path, workspace: str, paths: tuple[Path, ...]) -> ProjectValidation:
    """Validate the project around ``folder``, or only the named files and folders; raises DiagnosticError.

    A path is relative to ``folder``; if it does not exist there, to the current folder.
    """
    project = open_project(folder)
    workspaces = (project.find_workspace(workspace),) if workspace else tuple(project.workspaces.values())
    only = tuple(_relative_to_root(project.root, _find_path(folder, path)) for path in paths)
    today = datetime.now(UTC).date()
    return ProjectValidation(
        project.root, validate_project(project, workspaces, only, today, read_environment())
    )


def validate_staged(folder: Path, workspace: str) -> ProjectValidation:
    """Validate what the next commit contains of the project around ``folder``; raises DiagnosticError."""
    environment = read_environment()
    project = read_staged_project(find_project_root(folder), environment)
    workspaces = (project.find_workspace(workspace),) if workspace else tuple(project.workspaces.values())
    today, staged = datetime.now(UTC).date(), StagedManifests()
    result = validate_project(project, workspaces, (), today, environment, loader=staged.load_manifests)
    return ProjectValidation(project.root, result, staged.texts)


def failed_validation(folder: Path, diagnostics: tuple[Diagnostic, ...]) -> ProjectValidation:
    """Return the validation of a project that cannot be opened."""
    return ProjectValidation(folder, ValidationResult(diagnostics, ()))


def _relative_to_root(root: Path, path: Path) -> str:
    full = Path(os.path.normpath(path.absolute()))
    full = full.resolve() if full.is_dir() and not full.is_symlink() else full.parent.resolve() / full.name
    return str(full.relative_to(root)) if full.is_relative_to(root) else str(path)


def _find_path(folder: Path, path: Path) -> Path:
    inner = folder / path
    return path if path.exists() and not inner.exists() else inner


def format_validation(validation: ProjectValidation, form: str, color: bool) -> str:
    """Return the diagnostics in an output format, without a trailing newline."""
    result = validation.result
    has_excerpts = form in {"text", "gitlab", "sarif"}
    texts = read_excerpts(validation.root, result.diagnostics) if has_excerpts else {}
    texts = {**texts, **validation.texts}
    report = DiagnosticReport(diagnostics=result.diagnostics, files=result.files, texts=texts)
    style = TerminalStyle(color, shutil.get_terminal_size().columns)
    return render_diagnostics(report, form, style).rstrip("\n")
