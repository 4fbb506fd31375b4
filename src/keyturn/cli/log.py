"""keyturn log: who changed what, when, and of which commit."""

from pathlib import Path

import click

from keyturn.cli import completing, options, status
from keyturn.cli.doors import Leave, doors


@click.command("log")
@options.workspace
@options.chdir
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How it is told.")
@click.option(
    "--address",
    default="",
    metavar="ADDRESS",
    shell_complete=completing.addresses,
    help="Only this resource.",
)
@click.option("--verify", is_flag=True, help="Check the chain of hashes and say nothing else.")
@click.pass_obj
def command(colour: bool, /, workspace: str, folder: Path, form: str, address: str, verify: bool) -> None:
    """Show the journal: every write that was meant, and how it ended.

    Who, what, when, and of which commit; no value of a secret is in it. Each record carries the hash
    of the one before, so that a change shows.

    \b
    Examples:
      keyturn log --address credential/prod-db
      keyturn log --verify
    """
    with doors(colour):
        from keyturn.cli.history import check, tell, tell_json
        from keyturn.cli.surroundings import environment
        from keyturn.ledger.store import open_store
        from keyturn.load.project import open_project

        project = open_project(folder)
        chosen = project.workspace(workspace)
        store = open_store(chosen.ledger, project.root, environment())
        if verify:
            message, whole = check(store)
            click.echo(message)
            raise Leave(status.DONE if whole else status.REFUSED)
        if form == "json":
            click.echo(tell_json(store, address))
            return
        for line in tell(store, address):
            click.echo(line)
