"""keyturn import: a workspace that was made in the UI becomes a repository."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keyturn.cli import completion, errors, options
from keyturn.cli.errors import ExitWith, error_boundary


@click.command("import")
@click.argument("names", nargs=-1, shell_complete=completion.complete_kinds)
@click.option("--all", "everything", is_flag=True, help="Import whatever is not in the state yet.")
@click.option(
    "--map",
    "folders",
    multiple=True,
    metavar="PREFIX=FOLDER",
    help="Put names that begin with PREFIX into FOLDER; may be repeated.",
)
@click.option(
    "--credential",
    "credentials",
    multiple=True,
    metavar="CONNECTION=NAME",
    help="The credential of a connection, where the service does not show it; may be repeated.",
)
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How it is told.")
@click.pass_obj
def import_command(
    color: bool, /, names: tuple[str, ...], everything: bool, workspace: str, folder: Path, **more: Any
) -> None:
    """Write manifests for live objects and take them into the state.

    Secrets are never shown by the service, so they are named under `keep`: what is live stays. The
    first plan afterwards is empty. Run again, it brings in only what is new.

    \b
    Examples:
      keyturn import --all
      keyturn import 'connection/prod-*'
      keyturn import --all --map prod-=manifests/prod --map dev-=manifests/dev
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_context, with_progress
        from keyturn.operations.import_resources import ImportOptions, import_resources
        from keyturn.views.reports.import_pull import render_import

        if bool(names) == everything:
            raise click.UsageError("name what to import, or say --all")
        order = ImportOptions(
            names, _parse_pairs("--map", more["folders"]), _parse_pairs("--credential", more["credentials"])
        )
        with with_progress(open_command_context(folder, workspace), "import", more["form"]) as run:
            results = import_resources(run, order)
        click.echo(render_import(run.workspace.name, results, more["form"]).rstrip("\n"))
        left = sum(not each.file for each in results)
        if left:
            raise ExitWith(errors.EXIT_PARTIAL)


def _parse_pairs(option: str, given: tuple[str, ...]) -> Mapping[str, str]:
    pairs = [each.partition("=") for each in given]
    if not all(left and right for left, _, right in pairs):
        raise click.UsageError(f"{option} takes two words with = between them")
    return {left: right for left, _, right in pairs}
