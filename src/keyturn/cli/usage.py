"""keyturn usage: the quarterly review."""

import sys
from pathlib import Path

import click

from keyturn.cli import completing, options, status
from keyturn.cli.doors import Leave, doors

FORMATS = ("text", "markdown", "csv", "json", "html")


@click.command("usage")
@options.workspace
@options.chdir
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="How it is told.")
@click.option("--no-decrypt", is_flag=True, help="Do not look for expiries inside secrets.")
@click.option(
    "--fail-on",
    default="",
    metavar="CLASSES",
    shell_complete=completing.reviewed,
    help="Exit 5 for any of: overdue, expiring, unused, unknown, lasting, consent, unmanaged.",
)
@click.pass_obj
def command(colour: bool, /, workspace: str, folder: Path, form: str, no_decrypt: bool, fail_on: str) -> None:
    """Review every credential: the quarterly review.

    What uses it, how old it is, what expires, what lasts that need not, who can decrypt it.
    What the key's rights hide, or the service does not tell, is "unknown" and never nought.

    \b
    Examples:
      keyturn usage --fail-on overdue,expiring
      keyturn usage --format html > review.html
    """
    with doors(colour):
        from keyturn.cli.surroundings import environment, width
        from keyturn.cli.wiring import open_run, watched
        from keyturn.core.usage import CLASSES
        from keyturn.engine.reviewing import review
        from keyturn.render.style import Style
        from keyturn.render.usage_forms import draw_usage

        classes = [each.strip() for each in fail_on.split(",") if each.strip()]
        for each in classes:
            if each not in CLASSES:
                raise click.UsageError(f"--fail-on takes {', '.join(CLASSES)}, not {each}")
        with watched(open_run(folder, workspace), "usage", form) as run:
            found = review(run, decrypt=not no_decrypt)
        style = Style(colour, width(sys.stdout, environment()))
        click.echo(draw_usage(found, form, style).rstrip("\r\n"))
        counts = found.counts()
        if any(counts[each] for each in classes):
            raise Leave(status.REFUSED)
