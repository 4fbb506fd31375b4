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
    """Compare the manifests of two workspaces, by name without the prefix of its environment.

    Plain fields and the names of secret fields; where the keys are at hand, the same secret in both
    is said as well. No network.

    \b
    Example:
      keyturn diff --from staging --to prod
    """
    with doors(colour):
        import secrets

        from keyturn.cli.surroundings import environment, width
        from keyturn.engine.contrasting import compare_workspaces
        from keyturn.load.project import find_root, read_project
        from keyturn.render.contrast import contrast_json, contrast_text
        from keyturn.render.style import Style

        project = read_project(find_root(folder))
        sides = project.workspace(left), project.workspace(right)
        if left == right:
            raise click.UsageError("name two workspaces")
        found = compare_workspaces(project, sides, environment(), secrets.token_bytes(32))
        style = Style(colour, width(sys.stdout, environment()))
        if form == "json":
            text = contrast_json((left, right), found.pairs, opened=found.opened)
        else:
            text = contrast_text((left, right), found.pairs, style)
        click.echo(text.rstrip("\n"))
        if not found.opened:
            click.echo("Secrets were not compared: not every key is at hand.", err=True)
        if detailed_exitcode and any(each.differs for each in found.pairs):
            raise Leave(status.CHANGES)
