"""The doing of validate: which files, what was found, how it is told."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from keyturn.cli.surroundings import read_environment
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.engine.checking import ValidationResult, validate_project
from keyturn.load.excerpts import read_excerpts
from keyturn.load.project import open_project
from keyturn.render.finding_forms import render_diagnostics
from keyturn.render.findings import DiagnosticReport
from keyturn.render.style import TerminalStyle


class ProjectValidation(Struct, frozen=True):
    """What was checked and where the project is."""

    root: Path
    result: ValidationResult

    def has_failures(self, *, strict: bool) -> bool:
        """Whether what was found is grave enough to fail."""
        worst = self.result.worst_severity
        return worst is not None and worst <= (Severity.WARNING if strict else Severity.ERROR)


def validate_paths(folder: Path, workspace: str, paths: tuple[Path, ...]) -> ProjectValidation:
    """Check the project around ``folder``, or those of its files that are named; raises Faulty."""
    project = open_project(folder)
    workspaces = (project.find_workspace(workspace),) if workspace else tuple(project.workspaces.values())
    only = tuple(_relative_to_root(project.root, folder / path) for path in paths)
    today = datetime.now(UTC).date()
    return ProjectValidation(project.root, validate_project(project, workspaces, only, today, read_environment()))


def failed_validation(folder: Path, diagnostics: tuple[Diagnostic, ...]) -> ProjectValidation:
    """Return what can be said where nothing could be checked: a project file that is wrong, or none."""
    return ProjectValidation(folder, ValidationResult(diagnostics, ()))


def _relative_to_root(root: Path, path: Path) -> str:
    full = path.absolute()
    return str(full.relative_to(root)) if full.is_relative_to(root) else str(path)


def format_validation(examined: ProjectValidation, form: str, color: bool) -> str:
    """Return what was found in one of the forms, without a newline at its end."""
    checked = examined.result
    shown = read_excerpts(examined.root, checked.diagnostics) if form in {"text", "gitlab", "sarif"} else {}
    findings = DiagnosticReport(diagnostics=checked.diagnostics, files=checked.files, texts=shown)
    style = TerminalStyle(color, shutil.get_terminal_size().columns)
    return render_diagnostics(findings, form, style).rstrip("\n")
