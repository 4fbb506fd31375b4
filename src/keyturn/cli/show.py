"""keyturn show: a saved plan in any format."""

from pathlib import Path

import click

from keyturn.cli import options
from keyturn.cli.doors import doors
from keyturn.cli.plan import FORMATS


@click.command("show")
@click.argument("planfile", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.chdir
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="How the plan is drawn.")
@click.pass_obj
def command(colour: bool, /, planfile: Path, folder: Path, form: str) -> None:
    """Draw a plan that `plan --out` saved; the file is verified first.

    \b
    Example:
      keyturn show plan.kt --format markdown
    """
    with doors(colour):
        from keyturn.cli.planner import draw
        from keyturn.cli.surroundings import environment
        from keyturn.cli.wiring import clock
        from keyturn.engine.savedplan import opened
        from keyturn.load.decrypt import opener
        from keyturn.load.project import find_root, read_project
        from keyturn.load.repository_key import repository_key

        project = read_project(find_root(folder))
        key = repository_key(project, opener(environment(), project.policy, project.decryptor))
        kept = opened(planfile.read_bytes(), key, str(planfile), clock().now())
        click.echo(draw(kept.plan, form, colour))
