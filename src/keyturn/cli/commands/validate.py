"""keyturn validate: everything that needs neither key nor network."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import Struct

from keyturn.cli import errors, options
from keyturn.cli.environment import read_environment
from keyturn.cli.errors import ExitWith, error_boundary
from keyturn.files.discovery import read_excerpts
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.operations.plan.validate import ValidationResult, validate_project
from keyturn.project.project import open_project
from keyturn.views.diagnostics import render_diagnostics
from keyturn.views.diagnostics.text import DiagnosticReport
from keyturn.views.terminal import TerminalStyle

VALIDATE_FORMATS = ("text", "concise", "json", "github", "gitlab", "sarif", "junit", "markdown")


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@options.workspace_option
@options.chdir_option
@click.option(
    "--format", "form", type=click.Choice(VALIDATE_FORMATS), default="text", help="How findings are told."
)
@click.option("--strict", is_flag=True, help="Exit 1 for warnings too.")
@click.pass_obj
def validate_command(
    color: bool, /, paths: tuple[Path, ...], workspace: str, folder: Path, form: str, strict: bool
) -> None:
    """Check manifests: YAML, schema, references, SOPS, policy.

    Needs neither key nor network. With PATHS, those files alone are checked; exits 1 for an error.

    \b
    Examples:
      keyturn validate
      keyturn validate manifests/prod/credentials/prod-db.yaml --format github
    """
    with error_boundary(color):
        from keyturn.cli.progress import ProgressDisplay

        try:
            with ProgressDisplay(form, "checking manifests"):
                examined = validate_paths(folder, workspace, paths)
        except DiagnosticError as faulty:
            if form == "text":
                raise
            examined = failed_validation(folder, faulty.diagnostics)
        text = format_validation(examined, form, color)
        if text:
            click.echo(text)
        if examined.has_failures(strict=strict):
            raise ExitWith(errors.EXIT_ERROR)


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
    return ProjectValidation(
        project.root, validate_project(project, workspaces, only, today, read_environment())
    )


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
