"""keyturn revoke and keyturn purge: the emergency, and the end."""

import sys
from pathlib import Path

import click

from keyturn.cli import completion, errors, options
from keyturn.cli.errors import ExitWith, error_boundary


@click.command("revoke")
@click.argument("name", shell_complete=completion.complete_credentials)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def revoke_command(color: bool, /, name: str, yes: bool, workspace: str, folder: Path) -> None:
    """Break glass: take a credential out of use, now.

    It is detached from every connection and soft-deleted. Needs the API alone: manifests and state may
    be broken, and another run may hold the lock. The journal records it where that is possible. Revoke it
    at its vendor too. Nothing brings it back unasked: `keyturn apply --allow-restore NAME` does.

    \b
    Examples:
      keyturn revoke prod-db              asks first
      keyturn revoke prod-db --yes
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_client, open_command_context
        from keyturn.operations.revoke import find_credential, revoke_credential
        from keyturn.views.escaping import escape_line

        if not yes and not sys.stdin.isatty():
            raise click.UsageError("there is nobody to ask: say --yes")
        service = open_command_client(folder, workspace)
        credential = find_credential(service, name)
        if not yes and not click.confirm(f"Detach {escape_line(name)} everywhere and delete it?", err=True):
            click.echo("Nothing was changed.", err=True)
            raise ExitWith(errors.EXIT_ERROR)
        done = revoke_credential(service, credential, lambda: open_command_context(folder, workspace))
        for step in done.steps:
            mark = f"FAILED: {escape_line(step.error)}" if step.error else "done"
            click.echo(
                f"{step.action} {escape_line(str(step.address))} "
                f"({step.address.kind} of {escape_line(name)}): {mark}"
            )
        if done.unrecorded:
            click.echo(
                f"warning: the journal does not record all of this: {escape_line(done.unrecorded)}", err=True
            )
        click.echo("\nNext: revoke it at its vendor, set a new secret, and apply with", err=True)
        click.echo(f"  keyturn apply --allow-restore {escape_line(name)}", err=True)
        if not done.is_complete:
            raise ExitWith(errors.EXIT_PARTIAL)


@click.command("purge")
@click.argument("name", shell_complete=completion.complete_credentials)
@click.option("--confirm", default="", metavar="NAME", help="The name once more, where nobody can be asked.")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def purge_command(color: bool, /, name: str, confirm: str, workspace: str, folder: Path) -> None:
    """Delete a retired credential for good. It cannot be undone.

    Only what an apply or `keyturn revoke` has retired, and what nothing uses any more, is purged: an
    apply itself never does it.

    \b
    Examples:
      keyturn purge prod-old              asks for the name once more
      keyturn purge prod-old --confirm prod-old
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_context
        from keyturn.operations.revoke import purge_retired

        if not confirm and not sys.stdin.isatty():
            raise click.UsageError("there is nobody to ask: say --confirm NAME")
        again = confirm or click.prompt("This cannot be undone. The name once more", err=True)
        if again != name:
            raise click.UsageError("the two names differ; nothing was purged")
        known = purge_retired(open_command_context(folder, workspace), name)
        click.echo(f"purged {known.address} ({known.id})")
