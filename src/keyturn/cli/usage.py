"""keyturn usage: the quarterly review."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from keyturn.cli import options, status
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
    help="Exit 5 for any of: overdue, expiring, unused, unknown, lasting, consent, unmanaged.",
)
@click.pass_obj
def command(colour: bool, /, workspace: str, folder: Path, form: str, no_decrypt: bool, fail_on: str) -> None:
    """Review every credential: what uses it, how old it is, what expires, who can decrypt it.

    What the key's rights hide, or the service does not tell, is "unknown" and never nought.

    \b
    Examples:
      keyturn usage --fail-on overdue,expiring
      keyturn usage --format html > review.html
    """
    with doors(colour):
        from keyturn.cli.wiring import open_run
        from keyturn.core.usage import CLASSES
        from keyturn.engine.reviewing import review

        classes = [each.strip() for each in fail_on.split(",") if each.strip()]
        for each in classes:
            if each not in CLASSES:
                raise click.UsageError(f"--fail-on takes {', '.join(CLASSES)}, not {each}")
        found = review(open_run(folder, workspace), decrypt=not no_decrypt)
        click.echo(_forms(colour)[form](found).rstrip("\r\n"))
        counts = found.counts()
        if any(counts[each] for each in classes):
            raise Leave(status.REFUSED)


def _forms(colour: bool) -> Mapping[str, Callable[..., str]]:
    from keyturn.cli.surroundings import environment, width
    from keyturn.render.style import Style
    from keyturn.render.usage import usage_csv, usage_json, usage_markdown, usage_text
    from keyturn.render.usage_html import usage_html

    style = Style(colour, width(sys.stdout, environment()))
    return {
        "text": lambda found: usage_text(found, style),
        "markdown": usage_markdown,
        "csv": usage_csv,
        "json": usage_json,
        "html": usage_html,
    }
