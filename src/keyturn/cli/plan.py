"""keyturn plan: what an apply would do."""

from pathlib import Path
from typing import Any

import click

from keyturn.cli import options, status
from keyturn.cli.doors import Leave, doors

FORMATS = ("text", "json", "markdown", "html", "summary", "gitlab")


@click.command("plan")
@options.workspace
@options.targets
@options.consents
@options.chdir
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="How the plan is drawn.")
@click.option("--json-into", type=click.Path(path_type=Path), metavar="FILE", help="Write the JSON form too.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for `apply FILE`."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when changes wait.")
@click.option(
    "--fail-on",
    default="",
    metavar="CLASSES",
    help="Exit 5 for any of: exposure, access, retire, replace, rotate, findings (comma-separated).",
)
@click.pass_obj
def command(colour: bool, /, folder: Path, workspace: str, form: str, **chosen: Any) -> None:
    """Show what would change: git against the live workspace and the ledger.

    \b
    Example:
      keyturn plan -w prod --detailed-exitcode
    """
    with doors(colour):
        from keyturn.cli.planner import draw, fails_on, save
        from keyturn.cli.wiring import open_run, wish
        from keyturn.engine.planning import plan

        run = open_run(folder, workspace)
        wished = wish(chosen)
        planned = plan(run, wished)
        click.echo(draw(planned.plan, form, colour))
        if chosen["json_into"]:
            chosen["json_into"].write_text(draw(planned.plan, "json", False) + "\n", "utf-8")
        if chosen["out"]:
            save(planned, wished, run, chosen["out"])
        if fails_on(planned.plan, chosen["fail_on"]):
            raise Leave(status.REFUSED)
        if chosen["detailed_exitcode"] and not planned.plan.empty:
            raise Leave(status.CHANGES)
