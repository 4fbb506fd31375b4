"""keyturn pull: write drift back into the manifests."""

import sys
from pathlib import Path

import click

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith


@click.command("pull")
@click.argument("names", nargs=-1, shell_complete=completion.complete_names)
@click.option("--dry-run", is_flag=True, help="Show what would be written; write nothing.")
@click.option(
    "--allow-destination-change",
    "allowed",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.complete_credentials,
    help="Allow the secret of this credential to go to the live destination.",
)
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Output format.")
@click.pass_obj
def pull_command(
    color: bool,
    /,
    names: tuple[str, ...],
    dry_run: bool,
    allowed: tuple[str, ...],
    workspace: str,
    folder: Path,
    form: str,
) -> None:
    """Write live values back into the manifests.

    Only plain fields are written; comments, order and ciphertext stay. A field that keyturn wrote and
    that is no longer live is removed. A destination field is skipped unless its credential is allowed
    by name, and a value that looks like a secret is never written.

    \b
    Examples:
      keyturn pull
      keyturn pull connection/prod-warehouse --dry-run
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_context, with_progress
        from keyturn.cli.environment import read_environment, stream_width
        from keyturn.operations.pull_drift import PullOptions, pull_drift
        from keyturn.views.reports.pull import render_pull
        from keyturn.views.terminal import TerminalStyle

        with with_progress(open_command_context(folder, workspace), "pull", form) as run:
            pulled = pull_drift(run, PullOptions(names, frozenset(allowed), write=not dry_run))
        style = TerminalStyle(color, stream_width(sys.stdout, read_environment()))
        click.echo(render_pull(run.workspace.name, pulled, form, style).rstrip("\n"))
        if dry_run and pulled:
            click.echo("Nothing was written: --dry-run.", err=True)
        skipped = [field for result in pulled for field in result.skipped]
        if any(field.needed_approval for field in skipped):
            raise ExitWith(exit_codes.EXIT_REFUSED)
        if skipped:
            raise ExitWith(exit_codes.EXIT_PARTIAL)
