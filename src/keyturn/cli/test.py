"""keyturn test: do the connections work, as they are live?"""

import sys
from pathlib import Path

import click
from msgspec.structs import replace

from keyturn.cli import completing, options, status
from keyturn.cli.doors import Leave, doors


@click.command("test")
@click.argument("names", nargs=-1, shell_complete=completing.connections)
@options.workspace
@options.chdir
@click.option(
    "--format", "form", type=click.Choice(("text", "json", "junit")), default="text", help="How it is told."
)
@click.option(
    "--parallelism", type=click.IntRange(1, 32), default=4, show_default=True, help="Credentials at a time."
)
@click.option(
    "--max-failures",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Failed logins after which a credential's other connections are left alone.",
)
@click.pass_obj
def command(
    colour: bool,
    /,
    names: tuple[str, ...],
    workspace: str,
    folder: Path,
    form: str,
    parallelism: int,
    max_failures: int,
) -> None:
    """Test live connections with the credentials that they were applied with.

    Each test is a real login at the target. What was edited outside keyturn is not tested: a test
    would carry the secret to wherever the edit points. Exits 1 when a test fails.

    \b
    Examples:
      keyturn test
      keyturn test 'prod-*' --format junit > tests.xml
    """
    with doors(colour):
        from keyturn.cli.progress import Progress
        from keyturn.cli.surroundings import environment, width
        from keyturn.cli.wiring import open_run
        from keyturn.core.counting import counted
        from keyturn.core.trial import End
        from keyturn.engine.trying import Budget, try_out
        from keyturn.render.style import Style
        from keyturn.render.trials import draw_trials

        run = open_run(folder, workspace)
        with Progress(form) as progress:
            session = try_out(replace(run, watch=progress), names, Budget(parallelism, max_failures))
        style = Style(colour, width(sys.stdout, environment()))
        click.echo(draw_trials(run.workspace.name, session.tried, form, style).rstrip("\n"))
        if session.strangers and not names:
            others = counted(session.strangers, "other live connection")
            click.echo(f"not tested, for keyturn does not own it: {others}", err=True)
        ends = {each.end for each in session.tried}
        if ends & {End.FAILED, End.UNCLEAR}:
            raise Leave(status.FAULT)
        if End.REFUSED in ends:
            raise Leave(status.REFUSED)
