"""keyturn plan: what an apply would do."""

from pathlib import Path
from typing import Any

import click

from keyturn.cli import completing, options, status
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
@click.option("--offline", is_flag=True, help="Use no key at all: compare git with a base revision.")
@click.option(
    "--base", default="", metavar="REV", help="What to compare git with; by default the fork point."
)
@click.option(
    "--ledger",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --offline: compare with this exported ledger instead.",
)
@click.option("--refresh-only", is_flag=True, help="Show drift alone: what moved outside keyturn.")
@click.option(
    "--config-from", default="", metavar="REV", help="Take keyturn.yaml from this revision, not the tree."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when changes wait.")
@click.option(
    "--fail-on",
    default="",
    metavar="CLASSES",
    shell_complete=completing.planned,
    help="Exit 5 for any of: exposure, access, retire, replace, rotate, findings (comma-separated).",
)
@click.pass_obj
def command(colour: bool, /, folder: Path, workspace: str, form: str, **chosen: Any) -> None:
    """Show what would change: git against the live workspace and the ledger.

    Risk comes first, then each change with why and how far it reaches; no secret is in it. The digest
    at its end is what `keyturn apply --approve` takes. Nothing is changed.

    \b
    Examples:
      keyturn plan -w prod --detailed-exitcode
      keyturn plan --out plan.kt && keyturn apply plan.kt
      keyturn plan --offline --format markdown --fail-on exposure,access
    """
    with doors(colour):
        from keyturn.cli.planner import draw, fails_on, named
        from keyturn.cli.wiring import wish

        wished, classes = wish(chosen), named(chosen["fail_on"])
        if chosen["offline"]:
            if chosen["out"]:
                raise click.UsageError("an offline plan cannot be saved: nothing would be applied from it")
            from keyturn.cli.offline import offline

            made = offline(folder, workspace, wished, chosen["base"], chosen["ledger"])
        else:
            from keyturn.cli.figures import requests
            from keyturn.cli.wiring import open_run, watched
            from keyturn.engine.keyless import with_review
            from keyturn.engine.planning import plan
            from keyturn.engine.savedplan import save_plan

            run = open_run(folder, workspace, config_from=chosen["config_from"])
            with watched(run, "plan", form) as seen:
                planned = with_review(run, plan(seen, wished), chosen["base"])
            made = planned.plan
            if options.verbose():
                click.echo(requests(run.service.figures), err=True)
            if chosen["out"]:
                save_plan(run, planned, wished, chosen["out"])
        if chosen["refresh_only"]:
            from keyturn.core.drift import drift_only

            made = drift_only(made)
        if chosen["json_into"]:
            chosen["json_into"].write_text(draw(made, "json", False) + "\n", "utf-8")
        click.echo(draw(made, form, colour))
        if fails_on(made, classes):
            raise Leave(status.REFUSED)
        if chosen["detailed_exitcode"] and not made.empty:
            raise Leave(status.CHANGES)
