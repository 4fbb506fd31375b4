"""keyturn pull: what was edited in the UI goes into git."""

import sys
from pathlib import Path

import click

from keyturn.cli import completing, options, status
from keyturn.cli.doors import Leave, doors


@click.command("pull")
@click.argument("names", nargs=-1, shell_complete=completing.names)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option(
    "--allow-destination-change",
    "agreed",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.credentials,
    help="Agree that the secret of this credential goes where the live fields say.",
)
@options.workspace
@options.chdir
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How it is told.")
@click.pass_obj
def command(
    colour: bool,
    /,
    names: tuple[str, ...],
    dry_run: bool,
    agreed: tuple[str, ...],
    workspace: str,
    folder: Path,
    form: str,
) -> None:
    """Write live values back into the manifests: drift to git.

    Plain fields only; comments, order and ciphertext stay. A field that keyturn wrote before and
    that is gone live is taken out. A field that says where a secret goes is left unless its
    credential is named, and what looks like a secret is never written.

    \b
    Examples:
      keyturn pull
      keyturn pull connection/prod-warehouse --dry-run
    """
    with doors(colour):
        from keyturn.cli.surroundings import environment, width
        from keyturn.cli.wiring import open_run, watched
        from keyturn.engine.pulling import Ask, pull
        from keyturn.render.pulling import draw_pulled
        from keyturn.render.style import Style

        with watched(open_run(folder, workspace), "pull", form) as run:
            pulled = pull(run, Ask(names, frozenset(agreed), write=not dry_run))
        style = Style(colour, width(sys.stdout, environment()))
        click.echo(draw_pulled(run.workspace.name, pulled, form, style).rstrip("\n"))
        if dry_run and pulled:
            click.echo("Nothing was written: --dry-run.", err=True)
        left = [each for one in pulled for each in one.left]
        if any(each.consent for each in left):
            raise Leave(status.REFUSED)
        if left:
            raise Leave(status.PARTIAL)
