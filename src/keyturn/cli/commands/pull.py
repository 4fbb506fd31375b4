"""keyturn pull: what was edited in the UI goes into git."""

import sys
from pathlib import Path

import click

from keyturn.cli import completion, errors, options
from keyturn.cli.errors import ExitWith, error_boundary


@click.command("pull")
@click.argument("names", nargs=-1, shell_complete=completion.complete_names)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option(
    "--allow-destination-change",
    "agreed",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.complete_credentials,
    help="Agree that the secret of this credential goes where the live fields say.",
)
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How it is told.")
@click.pass_obj
def pull_command(
    color: bool,
    /,
    names: tuple[str, ...],
    dry_run: bool,
    agreed: tuple[str, ...],
    workspace: str,
    folder: Path,
    form: str,
) -> None:
    """Write live values back into the manifests: drift to git.

    Plain fields only; comments, order and ciphertext stay. A field that keyturn wrote before and
    that is gone live is taken out. A field that says where a secret goes is left unless its
    credential is named, and what looks like a secret is never written.

    \b
    Examples:
      keyturn pull
      keyturn pull connection/prod-warehouse --dry-run
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_context, with_progress
        from keyturn.cli.environment import read_environment, stream_width
        from keyturn.operations.pull_drift import PullOptions, pull_drift
        from keyturn.views.reports.import_pull import render_pull
        from keyturn.views.terminal import TerminalStyle

        with with_progress(open_command_context(folder, workspace), "pull", form) as run:
            pulled = pull_drift(run, PullOptions(names, frozenset(agreed), write=not dry_run))
        style = TerminalStyle(color, stream_width(sys.stdout, read_environment()))
        click.echo(render_pull(run.workspace.name, pulled, form, style).rstrip("\n"))
        if dry_run and pulled:
            click.echo("Nothing was written: --dry-run.", err=True)
        left = [each for one in pulled for each in one.skipped]
        if any(each.needed_approval for each in left):
            raise ExitWith(errors.EXIT_REFUSED)
        if left:
            raise ExitWith(errors.EXIT_PARTIAL)
