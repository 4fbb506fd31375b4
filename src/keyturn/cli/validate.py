"""keyturn validate: everything that needs neither key nor network."""

from pathlib import Path

import click

from keyturn.cli import options, status
from keyturn.cli.doors import ExitWith, error_boundary
from keyturn.core.diagnostic import DiagnosticError

VALIDATE_FORMATS = ("text", "concise", "json", "github", "gitlab", "sarif", "junit", "markdown")


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(VALIDATE_FORMATS), default="text", help="How findings are told.")
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
        from keyturn.cli.validator import validate_paths, failed_validation, format_validation

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
            raise ExitWith(status.EXIT_ERROR)
