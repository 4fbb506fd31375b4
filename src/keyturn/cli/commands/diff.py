"""keyturn diff: compare the manifests of two workspaces."""

import sys
from pathlib import Path

import click

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith


@click.command("diff")
@click.option(
    "--from",
    "left",
    required=True,
    metavar="NAME",
    shell_complete=completion.complete_workspaces,
    help="The workspace on the left.",
)
@click.option(
    "--to",
    "right",
    required=True,
    metavar="NAME",
    shell_complete=completion.complete_workspaces,
    help="The workspace on the right.",
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Output format.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 if the workspaces differ.")
@options.chdir_option
@click.pass_obj
def diff_command(
    color: bool, /, left: str, right: str, form: str, detailed_exitcode: bool, folder: Path
) -> None:
    """Compare the manifests of two workspaces.

    Resources are paired by name without the prefix of the environment. The result shows plain fields
    and the names of secret fields, and equal secrets if the keys are available. No network is used.

    \b
    Examples:
      keyturn diff --from staging --to prod
      keyturn diff --from staging --to prod --format json --detailed-exitcode
    """
    with error_boundary(color):
        import secrets

        from keyturn.cli.environment import read_environment, stream_width
        from keyturn.cli.progress import ProgressDisplay
        from keyturn.operations.diff_workspaces import compare_workspaces
        from keyturn.project.project import open_project
        from keyturn.views.reports.workspace_diff import render_workspace_diff
        from keyturn.views.terminal import TerminalStyle

        project = open_project(folder)
        sides = project.find_workspace(left), project.find_workspace(right)
        if left == right:
            raise click.UsageError("name two workspaces")
        with ProgressDisplay(form, "comparing"):
            found = compare_workspaces(project, sides, read_environment(), secrets.token_bytes(32))
        style = TerminalStyle(color, stream_width(sys.stdout, read_environment()))
        click.echo(render_workspace_diff(found, form, style).rstrip("\n"))
        if not found.secrets_compared:
            click.echo("Secrets were not compared: no decryption key can be used.", err=True)
        if detailed_exitcode and any(each.has_differences for each in found.resources):
            raise ExitWith(exit_codes.EXIT_CHANGES)
