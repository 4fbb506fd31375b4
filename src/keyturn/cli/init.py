"""keyturn init: a working repository, in an empty folder or beside what is there."""

from pathlib import Path

import click

from keyturn.cli import status
from keyturn.cli.doors import Leave, doors


@click.command("init")
@click.argument("folder", required=False, default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--workspace", "-w", default="prod", show_default=True, help="The first workspace's name.")
@click.option("--base-url", default="https://api.planasonix.com", show_default=True, help="Where the API is.")
@click.option("--organization", default="org_change_me", help="The organization's id, such as org_01jq8acme.")
@click.option("--recipient", default="", metavar="AGE", help="Encrypt for this age public key.")
@click.pass_obj
def command(
    colour: bool, /, folder: Path, workspace: str, base_url: str, organization: str, recipient: str
) -> None:
    """Make what a repository needs: keys, rules, a credential, a connection, hooks, a CI workflow.

    Adds, never overwrites. Without an age key at hand, one is made where sops looks for it.

    \b
    Example:
      keyturn init warehouse-access --organization org_01jq8acme
    """
    with doors(colour):
        import secrets

        from keyturn.cli.agekey import own_key
        from keyturn.cli.surroundings import environment
        from keyturn.engine.founding import found
        from keyturn.engine.templates import Choice

        surroundings = environment()
        public, made = own_key(surroundings) if not recipient else (recipient, None)
        choice = Choice(workspace=workspace, base_url=base_url, organization=organization, recipient=public)
        folder.mkdir(parents=True, exist_ok=True)
        founded = found(folder, choice, surroundings, secrets.token_bytes)
        if made:
            click.echo(f"key   {made}  (keep a copy safe: without it the secrets are lost)")
        for word, files in (("made", founded.made), ("kept", founded.kept)):
            for file in files:
                click.echo(f"{word}  {file}")
        if not founded.made:
            click.echo("Nothing to do: everything is there.", err=True)
            raise Leave(status.DONE)
        click.echo("\nNext: keyturn validate, then keyturn plan.")
