"""keyturn unlock: release the lock of a run that ended without releasing it."""

from pathlib import Path

import click

from keyturn.cli import options
from keyturn.cli.errors import error_boundary


@click.command("unlock")
@click.argument("lock_id")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def unlock_command(color: bool, /, lock_id: str, workspace: str, folder: Path) -> None:
    """Release the lock whose ID a refused apply has printed.

    The ID ensures that only the lock of the dead run is released, not a newer one.

    \b
    Examples:
      keyturn unlock 3f9c2a7d51e04b68
      keyturn unlock 3f9c2a7d51e04b68 -w staging
    """
    with error_boundary(color):
        from keyturn.cli.environment import read_environment
        from keyturn.project.project import open_project
        from keyturn.project.workspace_store import open_workspace_store
        from keyturn.state.lock import force_unlock
        from keyturn.views.escaping import escape_line

        project = open_project(folder)
        chosen = project.find_workspace(workspace)
        was = force_unlock(open_workspace_store(project, chosen, read_environment()), lock_id)
        if was is None:
            click.echo("The lock record was damaged; the lock is released.")
            return
        click.echo(
            f"The lock of {escape_line(was.holder.who)} on {escape_line(was.holder.host)} is released."
        )
