"""keyturn validate: everything that needs neither key nor network."""

from pathlib import Path

import click

from keyturn.cli import options, status
from keyturn.cli.doors import Leave, doors
from keyturn.core.diagnostic import Faulty

FORMATS = ("text", "concise", "json", "github", "gitlab", "sarif", "junit", "markdown")


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@options.workspace
@options.chdir
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="How findings are told.")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings too.")
@click.pass_obj
def command(
    colour: bool, /, paths: tuple[Path, ...], workspace: str, folder: Path, form: str, strict: bool
) -> None:
    """Check manifests: YAML, schema, references, SOPS, policy.

    Needs neither key nor network. With PATHS, those files alone are checked; exits 1 for an error.

    \b
    Examples:
      keyturn validate
      keyturn validate manifests/prod/credentials/prod-db.yaml --format github
    """
    with doors(colour):
        from keyturn.cli.progress import Progress
        from keyturn.cli.validator import examine, stopped, told

        try:
            with Progress(form, "checking manifests"):
                examined = examine(folder, workspace, paths)
        except Faulty as faulty:
            if form == "text":
                raise
            examined = stopped(folder, faulty.findings)
        text = told(examined, form, colour)
        if text:
            click.echo(text)
        if examined.fails(strict=strict):
            raise Leave(status.FAULT)
