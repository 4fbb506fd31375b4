"""keyturn import: write manifests for live objects."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith


@click.command("import")
@click.argument("names", nargs=-1, shell_complete=completion.complete_kinds)
@click.option("--all", "everything", is_flag=True, help="Import every object that is not in the state.")
@click.option(
    "--map",
    "folders",
    multiple=True,
    metavar="PREFIX=FOLDER",
    help="Write names that start with PREFIX to FOLDER; repeatable.",
)
@click.option(
    "--credential",
    "credentials",
    multiple=True,
    metavar="CONNECTION=NAME",
    help="The credential of a connection, if the API does not return it; repeatable.",
)
@click.option("--rename", is_flag=True, help="Import objects with other names under a valid name.")
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Output format.")
@click.pass_obj
def import_command(
    color: bool, /, names: tuple[str, ...], everything: bool, workspace: str, folder: Path, **more: Any
) -> None:
    """Write manifests for live objects and add the objects to the state.

    The API never returns a secret, so secrets are listed under `keep`: the live value stays. The first
    plan after the import is empty. A second import adds only new objects.

    A manifest name has lower-case letters, digits, dots, dashes and underscores. An object with another
    name is skipped. With --rename, "Prod DB (old)" is imported as prod-db-old, and the next apply renames it.

    \b
    Examples:
      keyturn import --all
      keyturn import 'connection/prod-*'
      keyturn import --all --map prod-=manifests/prod --map dev-=manifests/dev
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_context, with_progress
        from keyturn.operations.import_resources import ImportOptions, import_resources
        from keyturn.views.reports.import_ import render_import

        if bool(names) == everything:
            raise click.UsageError("name what to import, or pass --all")
        order = ImportOptions(
            names=names,
            folders=_parse_pairs("--map", more["folders"]),
            credentials=_parse_pairs("--credential", more["credentials"]),
            rename=more["rename"],
        )
        with with_progress(open_command_context(folder, workspace), "import", more["form"]) as run:
            results = import_resources(run, order)
        click.echo(render_import(run.workspace.name, results, more["form"]).rstrip("\n"))
        skipped = sum(not each.file for each in results)
        if skipped:
            raise ExitWith(exit_codes.EXIT_PARTIAL)


def _parse_pairs(option: str, given: tuple[str, ...]) -> Mapping[str, str]:
    pairs = [each.partition("=") for each in given]
    if not all(left and right for left, _, right in pairs):
        raise click.UsageError(f"{option} takes LEFT=RIGHT")
    return {left: right for left, _, right in pairs}
