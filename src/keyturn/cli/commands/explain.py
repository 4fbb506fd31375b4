"""keyturn explain: what a code means, why it matters and how to fix it."""

import difflib
import textwrap

import click

from keyturn.catalog import load_catalog
from keyturn.cli import completion
from keyturn.cli.errors import error_boundary


@click.command("explain")
@click.argument("code", required=False, default="", shell_complete=completion.complete_codes)
@click.pass_obj
def explain_command(color: bool, /, code: str) -> None:
    """Explain a code such as KT451; without a code, list all.

    Prints what the code means, why it matters and how to fix it.

    \b
    Examples:
      keyturn explain KT451
      keyturn explain                     all codes, one a line
    """
    with error_boundary(color):
        if not code:
            click.echo("\n".join(f"{name}  {entry.title}" for name, entry in load_catalog().items()))
            return
        entry = load_catalog().get(code.upper())
        if entry is None:
            near = difflib.get_close_matches(code.upper(), load_catalog(), 1, 0.5)
            advice = f"; did you mean {near[0]}?" if near else "; `keyturn explain` lists them"
            raise click.UsageError(f"there is no code {code!a}{advice}")
        click.echo(f"{code.upper()}: {entry.title}\n")
        click.echo(_wrap(entry.why) + "\n")
        click.echo(_wrap(entry.fix))


def _wrap(text: str) -> str:
    # A flag contains hyphens and must not be split.
    return textwrap.fill(text, 88, break_on_hyphens=False)
