"""keyturn import: a workspace that was made in the UI becomes a repository."""

from pathlib import Path

import click

from keyturn.cli import options, status
from keyturn.cli.doors import Leave, doors


@click.command("import")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Import whatever is not in the ledger yet.")
@options.workspace
@options.chdir
@click.pass_obj
def command(colour: bool, /, names: tuple[str, ...], everything: bool, workspace: str, folder: Path) -> None:
    """Write manifests for live objects and take them into the ledger.

    Secrets are never shown by the service, so they are named under `keep`: what is live stays. The
    first plan afterwards is empty. Run again, it brings in only what is new.

    \b
    Examples:
      keyturn import --all
      keyturn import 'connection/prod-*'
    """
    with doors(colour):
        from keyturn.cli.wiring import open_run
        from keyturn.engine.importing import bring_in
        from keyturn.render.safe import plain

        if bool(names) == everything:
            raise click.UsageError("name what to import, or say --all")
        results = bring_in(open_run(folder, workspace), names)
        for each in results:
            head = f"import {plain(str(each.address))}"
            click.echo(f"{head}: {each.file}" if each.file else f"{head}: left out: {plain(each.trouble)}")
            for note in each.notes:
                click.echo(f"    {plain(note)}")
        left = sum(not each.file for each in results)
        click.echo(f"Imported {len(results) - left} of {len(results)}.", err=True)
        if left:
            raise Leave(status.PARTIAL)
