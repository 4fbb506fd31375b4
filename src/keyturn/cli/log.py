"""keyturn log: who changed what, when, and of which commit."""

from pathlib import Path

import click

from keyturn.cli import completing, options, status
from keyturn.cli.doors import ExitWith, error_boundary


@click.command("log")
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How it is told.")
@click.option(
    "--address",
    default="",
    metavar="ADDRESS",
    shell_complete=completing.complete_addresses,
    help="Only this resource.",
)
@click.option("--verify", is_flag=True, help="Check the chain of hashes and say nothing else.")
@click.pass_obj
def log_command(color: bool, /, workspace: str, folder: Path, form: str, address: str, verify: bool) -> None:
    """Show the journal: every write that was meant, and how it ended.

    Who, what, when, and of which commit; no value of a secret is in it. Each record carries the hash
    of the one before, so that a change shows.

    \b
    Examples:
      keyturn log --address credential/prod-db
      keyturn log --verify
    """
    with error_boundary(color):
        from keyturn.cli.history import check_journal, format_journal, format_journal_json
        from keyturn.cli.surroundings import read_environment
        from keyturn.ledger.store import open_store
        from keyturn.load.project import open_project

        project = open_project(folder)
        chosen = project.find_workspace(workspace)
        store = open_store(chosen.state_url, project.root, read_environment())
        if verify:
            message, whole = check_journal(store)
            click.echo(message)
            raise ExitWith(status.EXIT_DONE if whole else status.EXIT_REFUSED)
        if form == "json":
            click.echo(format_journal_json(store, address))
            return
        for line in format_journal(store, address):
            click.echo(line)
