"""keyturn explain: what a code means, why it matters and how to end it."""

import difflib
import textwrap

import click

from keyturn.cli import completing
from keyturn.cli.doors import doors
from keyturn.core.codes import CODES


@click.command("explain")
@click.argument("code", required=False, default="", shell_complete=completing.codes)
@click.pass_obj
def command(colour: bool, /, code: str) -> None:
    """Explain a code such as KT451; without one, list them all.

    What it means, why it matters, and how to end it: the same as on the page of codes.

    \b
    Examples:
      keyturn explain KT451
      keyturn explain                     all of them, a line each
    """
    with doors(colour):
        if not code:
            click.echo("\n".join(f"{name}  {entry.title}" for name, entry in sorted(CODES.items())))
            return
        entry = CODES.get(code.upper())
        if entry is None:
            near = difflib.get_close_matches(code.upper(), CODES, 1, 0.5)
            told = f"; did you mean {near[0]}?" if near else "; `keyturn explain` lists them"
            raise click.UsageError(f"there is no code {code!a}{told}")
        click.echo(f"{code.upper()}: {entry.title}\n")
        click.echo(textwrap.fill(entry.why, 88) + "\n")
        click.echo(textwrap.fill(entry.fix, 88))
