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
    """Look whether tools, keys, files, ledger and API are as an apply needs them, and say what to mend.

    Exits 1 when something is broken. Nothing is changed, and no secret is shown.

    \b
    Examples:
      keyturn doctor
      keyturn doctor --json | jq '.checks[] | select(.state == "broken")'
    """
    with doors(colour):
        import sys

        from keyturn.cli.examiner import examine
        from keyturn.cli.surroundings import environment, width
        from keyturn.core.health import broken
        from keyturn.render.health import health_json, health_text
        from keyturn.render.style import Style

        checks = examine(folder, workspace, ask=not offline)
        style = Style(colour, width(sys.stdout, environment()))
        text = health_json(checks) if as_json or form == "json" else health_text(checks, style)
        click.echo(text.rstrip("\n"))
        if broken(checks):
            raise Leave(status.FAULT)
