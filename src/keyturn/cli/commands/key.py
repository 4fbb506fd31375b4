"""keyturn key: show, trust and create the key of a workspace, and seal its settings."""

import sys
from pathlib import Path
from typing import Any

import click

from keyturn.cli import exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith
from keyturn.cli.main import SuggestingGroup


@click.group("key", cls=SuggestingGroup)
def key_command() -> None:
    """Manage the key of a workspace.

    The key signs what key holders approve. Its public half and the sealed settings are readable in
    `.keyturn/keys`. Its ID is known to you and to the jobs of your pipeline, outside of the repository.

    \b
    Examples:
      keyturn key show
      keyturn key trust SHA256:Yk1v0bXq3m5mW0V9o0kqk6cZ1r2Hn8m7x5t4s3d2f1g
    """


@key_command.command("show")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def key_show_command(color: bool, /, workspace: str, folder: Path) -> None:
    """Print the ID of the key and the sealed settings.

    Needs no key. Without --workspace, all workspaces are printed.

    \b
    Examples:
      keyturn key show
      keyturn key show -w prod
    """
    with error_boundary(color):
        from keyturn.cli.environment import read_environment
        from keyturn.operations.setup.workspace_keys import report_workspace_key
        from keyturn.project.project import open_project

        project = open_project(folder)
        chosen = [project.find_workspace(workspace)] if workspace else list(project.workspaces.values())
        for each in chosen:
            _print_report(report_workspace_key(project, each, read_environment()))


@key_command.command("trust")
@click.argument("key_id", metavar="ID")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def key_trust_command(color: bool, /, key_id: str, workspace: str, folder: Path) -> None:
    """Trust the key of a workspace on this machine.

    ID is what a key holder told you. It is stored in `~/.config/keyturn/known_keys`. A pipeline has it in
    KEYTURN_KEY_ID instead, in the definition of the job.

    \b
    Examples:
      keyturn key trust SHA256:Yk1v0bXq3m5mW0V9o0kqk6cZ1r2Hn8m7x5t4s3d2f1g
      keyturn key trust -w eu SHA256:Yk1v0bXq3m5mW0V9o0kqk6cZ1r2Hn8m7x5t4s3d2f1g
    """
    with error_boundary(color):
        from keyturn.cli.environment import read_environment
        from keyturn.operations.setup.workspace_keys import trust_workspace_key

        project, chosen = _find_workspace(folder, workspace)
        if trust_workspace_key(project, chosen, read_environment(), key_id):
            click.echo(f"The key of workspace {chosen.name} is trusted on this machine.")
        else:
            click.echo(f"The key of workspace {chosen.name} was already trusted on this machine.")


@key_command.command("create")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def key_create_command(color: bool, /, workspace: str, folder: Path) -> None:
    """Create the key of a workspace that has none, and seal its settings.

    The key is encrypted for the recipients of the workspace. Commit the new file, and set KEYTURN_KEY_ID
    in the definition of each job that has the API key.

    \b
    Examples:
      keyturn key create
      keyturn key create -w staging
    """
    with error_boundary(color):
        import secrets

        from keyturn.cli.environment import read_environment
        from keyturn.operations.setup.workspace_keys import create_workspace_key, describe_author
        from keyturn.project.workspace_key import workspace_key_path

        project, chosen = _find_workspace(folder, workspace)
        environment = read_environment()
        key_id = create_workspace_key(
            project,
            chosen,
            environment,
            secrets.token_bytes,
            describe_author(project.root, environment, "created"),
        )
        click.echo(f"created  {workspace_key_path(chosen.name)}")
        click.echo(f"The key of workspace {chosen.name} is {key_id}")
        click.echo("Next: commit the file, and set KEYTURN_KEY_ID to this ID in each job with the API key.")


@key_command.command("seal")
@click.option("--reason", default="", metavar="REASON", help="Why the settings change; stored in the seal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def key_seal_command(color: bool, /, reason: str, yes: bool, workspace: str, folder: Path) -> None:
    """Seal changed settings of a workspace in keyturn.yaml.

    Prints each setting that differs from the seal and asks. Needs the decryption key.

    \b
    Examples:
      keyturn key seal --reason 'new API host'
      keyturn key seal -w staging --yes
    """
    with error_boundary(color):
        from keyturn.cli.environment import read_environment
        from keyturn.operations.setup.workspace_keys import (
            describe_author,
            report_workspace_key,
            seal_settings,
        )

        project, chosen = _find_workspace(folder, workspace)
        environment = read_environment()
        report = report_workspace_key(project, chosen, environment)
        if report.key is not None and not report.changes:
            click.echo(f"The settings of workspace {chosen.name} match their seal.")
            return
        for change in report.changes:
            click.echo(change.message)
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("this needs a terminal or --yes")
            if not click.confirm("Seal these settings?", err=True):
                raise ExitWith(exit_codes.EXIT_ERROR)
        seal_settings(project, chosen, environment, describe_author(project.root, environment, reason))
        click.echo(f"The settings of workspace {chosen.name} are sealed.")


@key_command.command("sign-state")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def key_sign_state_command(color: bool, /, yes: bool, workspace: str, folder: Path) -> None:
    """Sign the state of a workspace that got its key later.

    A workspace with a key accepts only a signed state. Compare the state with the live workspace first:
    whoever can write the state can have wrong objects changed. Needs the decryption key.

    \b
    Examples:
      keyturn key sign-state
      keyturn key sign-state -w staging --yes
    """
    with error_boundary(color):
        from keyturn.cli.environment import read_environment
        from keyturn.model.diagnostic import pluralize_or_none
        from keyturn.operations.run_context import open_run_context
        from keyturn.operations.setup.workspace_keys import sign_state

        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("this needs a terminal or --yes")
            if not click.confirm("Sign the state as it is?", err=True):
                raise ExitWith(exit_codes.EXIT_ERROR)
        with open_run_context(folder, workspace, read_environment()) as run:
            count = sign_state(run)
        click.echo(
            f"The state of workspace {run.workspace.name} is signed: {pluralize_or_none(count, 'resource')}."
        )


def _find_workspace(folder: Path, workspace: str) -> tuple[Any, Any]:
    from keyturn.project.project import open_project

    project = open_project(folder)
    return project, project.find_workspace(workspace)


def _print_report(report: Any) -> None:
    from keyturn.views.escaping import escape_line

    def echo(name: str, value: Any) -> None:
        click.echo(f"  {name:<13}{escape_line(str(value))}")

    click.echo(f"Workspace {report.workspace}")
    if report.key is None:
        echo("key", "none; `keyturn key create` creates one")
        return
    echo("key", report.key.public_key.key_id)
    echo("trusted", "yes, on this machine" if report.trusted else "not on this machine")
    echo("file", report.key.file)
    for name, value in report.key.settings.items():
        echo(name, ", ".join(map(str, value)) if isinstance(value, list) else value)
    signed = report.key.seal
    echo("sealed", f"{signed.get('at')} by {signed.get('by')}, number {signed.get('serial')}")
    for change in report.changes:
        echo("differs", change.message)
