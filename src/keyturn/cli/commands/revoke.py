"""keyturn revoke and keyturn purge: take a credential out of use, and delete it permanently."""

import sys
from pathlib import Path

import click

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith


@click.command("revoke")
@click.argument("name", shell_complete=completion.complete_credentials)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def revoke_command(color: bool, /, name: str, yes: bool, workspace: str, folder: Path) -> None:
    """Take a credential out of use now (break-glass).

    Detaches the credential from every connection and soft-deletes it. Needs only the API: manifests and
    state may be broken, and another run may hold the lock. The journal records the revocation if
    possible. Also revoke the secret at its vendor. `keyturn apply --allow-restore NAME` restores it.

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
            raise click.UsageError("cannot prompt (no terminal): pass --yes")
        service = open_command_client(folder, workspace)
        credential = find_credential(service, name)
        if not yes and not click.confirm(f"Detach {escape_line(name)} everywhere and delete it?", err=True):
            click.echo("Nothing was changed.", err=True)
            raise ExitWith(exit_codes.EXIT_ERROR)
        revocation = revoke_credential(service, credential, lambda: open_command_context(folder, workspace))
        for step in revocation.steps:
            status = f"FAILED: {escape_line(step.error)}" if step.error else "done"
            click.echo(
                f"{step.action} {escape_line(str(step.address))} "
                f"({step.address.kind} of {escape_line(name)}): {status}"
            )
        if revocation.unrecorded:
            click.echo(f"warning: the journal is incomplete: {escape_line(revocation.unrecorded)}", err=True)
        for row in revocation.unusable_rows:
            click.echo(f"warning: the list of users is partial: {escape_line(str(row))}", err=True)
        click.echo("\nNext: revoke the secret at its vendor, set a new one, and apply with", err=True)
        click.echo(f"  keyturn apply --allow-restore {escape_line(name)}", err=True)
        if not revocation.is_complete:
            raise ExitWith(exit_codes.EXIT_PARTIAL)


@click.command("purge")
@click.argument("name", shell_complete=completion.complete_credentials)
@click.option("--confirm", default="", metavar="NAME", help="The name again, instead of the prompt.")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def purge_command(color: bool, /, name: str, confirm: str, workspace: str, folder: Path) -> None:
    """Delete a retired credential permanently.

    Purges only a credential that an apply or `keyturn revoke` has retired and that no connection uses.
    An apply never purges.

    \b
    Examples:
      keyturn purge prod-old              asks for the name again
      keyturn purge prod-old --confirm prod-old
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_context
        from keyturn.operations.revoke import purge_retired

        if not confirm and not sys.stdin.isatty():
            raise click.UsageError("cannot prompt (no terminal): pass --confirm NAME")
        confirmed = confirm or click.prompt("This cannot be undone. Type the name again", err=True)
        if confirmed != name:
            raise click.UsageError("the two names differ; nothing was purged")
        entry = purge_retired(open_command_context(folder, workspace), name)
        click.echo(f"purged {entry.address} ({entry.id})")
