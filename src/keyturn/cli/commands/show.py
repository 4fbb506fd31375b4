"""keyturn show: show a saved plan in any format."""

from pathlib import Path

import click

from keyturn.cli import options
from keyturn.cli.commands.plan import PLAN_FORMATS
from keyturn.cli.errors import error_boundary


@click.command("show")
@click.argument("planfile", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.chdir_option
@click.option("--format", "form", type=click.Choice(PLAN_FORMATS), default="text", help="Output format.")
@click.pass_obj
def show_command(color: bool, /, planfile: Path, folder: Path, form: str) -> None:
    """Show a plan that `plan --out` saved.

    The file is verified first with the key of the repository: a changed plan, or one from another
    repository, is refused.

    \b
    Examples:
      keyturn show plan.kt
      keyturn show plan.kt --format markdown
    """
    with error_boundary(color):
        from datetime import UTC, datetime

        from keyturn.cli.environment import read_environment
        from keyturn.cli.plan_output import format_plan
        from keyturn.operations.plan.plan_file import open_plan
        from keyturn.project.project import open_project

        project = open_project(folder)
        kept = open_plan(project, read_environment(), planfile, datetime.now(UTC))
        click.echo(format_plan(kept.plan, form, color))
