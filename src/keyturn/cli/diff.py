"""keyturn diff: what sets two environments apart."""

import sys
from pathlib import Path

import click

from keyturn.cli import completing, options, status
from keyturn.cli.doors import Leave, doors


@click.command("diff")
@click.option(
    "--from",
    "left",
    required=True,
    metavar="NAME",
    shell_complete=completing.workspaces,
    help="The workspace on the left.",
)
@click.option(
    "--to",
    "right",
    required=True,
    metavar="NAME",
    shell_complete=completing.workspaces,
    help="The workspace on the right.",
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How it is told.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when anything differs.")
@options.chdir
@click.pass_obj
def command(colour: bool, /, left: str, right: str, form: str, detailed_exitcode: bool, folder: Path) -> None:
    """Compare the manifests of two workspaces.

    Resources are paired by name, without the prefix of the environment. Plain fields and the names of
    secret fields; where the keys are at hand, the same secret in both is said as well. No network.

    \b
    Examples:
      keyturn diff --from staging --to prod
      keyturn diff --from staging --to prod --format json --detailed-exitcode
    """
    with doors(colour):
        import secrets

        from keyturn.cli.progress import Progress
        from keyturn.cli.surroundings import environment, width
        from keyturn.engine.contrasting import compare_workspaces
        from keyturn.load.project import open_project
        from keyturn.render.contrast import draw_contrast
        from keyturn.render.style import Style

        project = open_project(folder)
        sides = project.workspace(left), project.workspace(right)
        if left == right:
            raise click.UsageError("name two workspaces")
        with Progress(form, "comparing"):
            found = compare_workspaces(project, sides, environment(), secrets.token_bytes(32))
        style = Style(colour, width(sys.stdout, environment()))
        click.echo(draw_contrast(found, form, style).rstrip("\n"))
        if not found.opened:
            click.echo("Secrets were not compared: not every key is at hand.", err=True)
        if detailed_exitcode and any(each.differs for each in found.pairs):
            raise Leave(status.CHANGES)
