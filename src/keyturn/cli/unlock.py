"""keyturn unlock: take the lock away from a run that is dead."""

from pathlib import Path

import click

from keyturn.cli import options
from keyturn.cli.doors import doors


@click.command("unlock")
@click.argument("lock_id")
@options.workspace
@options.chdir
@click.pass_obj
def command(colour: bool, /, lock_id: str, workspace: str, folder: Path) -> None:
    """Release the lock whose ID a refused apply has printed.

    The id makes sure that it is the dead run's lock and not one taken since.

    \b
    Examples:
      keyturn unlock 3f9c2a7d51e04b68
      keyturn unlock 3f9c2a7d51e04b68 -w staging
    """
    with doors(colour):
        from keyturn.cli.surroundings import environment
        from keyturn.ledger.lock import unlock
        from keyturn.ledger.store import open_store
        from keyturn.load.project import open_project
        from keyturn.render.safe import line

        project = open_project(folder)
        chosen = project.workspace(workspace)
        was = unlock(open_store(chosen.ledger, project.root, environment()), lock_id)
        if was is None:
            click.echo("The lock was damaged and is gone.")
            return
        click.echo(f"The lock of {line(was.holder.who)} on {line(was.holder.host)} is released.")
