"""keyturn schema: the JSON Schema of a manifest or of an output, for editors and other tools."""

import click

from keyturn.cli import completion
from keyturn.cli.errors import error_boundary


@click.command("schema")
@click.argument("name", required=False, default="", shell_complete=completion.complete_schemas)
@click.pass_obj
def schema_command(color: bool, /, name: str) -> None:
    """Print a JSON Schema; without a name, list them.

    There is a schema for each kind of manifest, for keyturn.yaml, and for each JSON output. Editors use
    them to complete manifests.

    \b
    Examples:
      keyturn schema credential > credential.schema.json
      keyturn schema                      the names of all schemas
    """
    with error_boundary(color):
        from keyturn.schema.definitions import find_schema_folder

        names = sorted(
            each.name.removesuffix(".schema.json") for each in find_schema_folder().glob("*.schema.json")
        )
        if not name:
            click.echo("\n".join(names))
            return
        if name not in names:
            raise click.UsageError(f"there is no schema {name!a}; there are {', '.join(names)}")
        click.echo((find_schema_folder() / f"{name}.schema.json").read_text("utf-8").rstrip("\n"))
