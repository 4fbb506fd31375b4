"""keyturn doctor: is everything in place?"""

from pathlib import Path

import click

from keyturn.cli import options, status
from keyturn.cli.doors import Leave, doors


@click.command("doctor")
@options.workspace
@options.chdir
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How it is told.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--offline", is_flag=True, help="Do not ask the API.")
@click.pass_obj
def command(colour: bool, /, workspace: str, folder: Path, form: str, as_json: bool, offline: bool) -> None:
    """Find out why it does not work here, and say what to mend.

    Tools, keys, files, ledger, lock, hooks and the API are looked at as an apply needs them. Exits 1
    when something is broken. Nothing is changed, and no secret is shown.

    \b
    Examples:
      keyturn doctor
      keyturn doctor --json | jq '.checks[] | select(.state == "broken")'
    """
    with doors(colour):
        import sys

        from keyturn.cli.progress import Progress
        from keyturn.cli.surroundings import environment, width
        from keyturn.core.health import broken
        from keyturn.engine.checkup import examine
        from keyturn.render.health import draw_health
        from keyturn.render.style import Style

        form = "json" if as_json else form
        with Progress(form, "looking"):
            checks = examine(folder, workspace, environment(), ask=not offline)
        style = Style(colour, width(sys.stdout, environment()))
        click.echo(draw_health(checks, form, style).rstrip("\n"))
        if broken(checks):
            raise Leave(status.FAULT)
