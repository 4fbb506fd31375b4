"""keyturn validate: all checks that need neither key nor network."""

from pathlib import Path

import click

from keyturn.cli import exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith

VALIDATE_FORMATS = ("text", "concise", "json", "github", "gitlab", "sarif", "junit", "markdown")


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(VALIDATE_FORMATS), default="text", help="Output format.")
@click.option("--staged", is_flag=True, help="Check what git's index holds, that is, the next commit.")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings, too.")
@click.pass_obj
def validate_command(
    color: bool,
    /,
    paths: tuple[Path, ...],
    workspace: str,
    folder: Path,
    form: str,
    staged: bool,
    strict: bool,
) -> None:
    """Check manifests: YAML, schema, references, SOPS, policy.

    Needs neither key nor network. With PATHS (files and folders), only those are checked.
    Exits 1 for an error, also if a path leads to no manifest. With --staged, the staged content of all
    manifests is checked, so files that were not added count as missing.

    \b
    Examples:
      keyturn validate
      keyturn validate manifests/prod
      keyturn validate --staged
      keyturn validate manifests/prod/credentials/prod-db.yaml --format github
    """
    with error_boundary(color):
        from keyturn.cli.progress import ProgressDisplay
        from keyturn.cli.validation import (
            failed_validation,
            format_validation,
            validate_paths,
            validate_staged,
        )
        from keyturn.model.diagnostic import DiagnosticError

        if staged and paths:
            raise click.UsageError("--staged checks all staged manifests and takes no PATHS")
        try:
            with ProgressDisplay(form, "checking manifests"):
                validation = (
                    validate_staged(folder, workspace) if staged else validate_paths(folder, workspace, paths)
                )
        except DiagnosticError as error:
            if form == "text":
                raise
            validation = failed_validation(folder, error.diagnostics)
        text = format_validation(validation, form, color)
        if text:
            click.echo(text)
        if validation.has_failures(strict=strict):
            raise ExitWith(exit_codes.EXIT_ERROR)
