"""keyturn apply: make the changes of a reviewed plan, or plan, show and ask."""

import sys
from pathlib import Path
from typing import Any

import click

from keyturn.cli import options, status
from keyturn.cli.doors import ExitWith, error_boundary


@click.command("apply")
@click.argument("planfile", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.workspace_option
@options.target_option
@options.approval_options
@options.chdir_option
@click.option("--approve", default="", metavar="DIGEST", help="Apply only if the plan has this digest.")
@click.option("--auto-approve", "--yes", "-y", "auto", is_flag=True, help="Do not ask.")
@click.option(
    "--parallelism",
    type=click.IntRange(1, 32),
    default=8,
    show_default=True,
    help="Requests under way at a time.",
)
@click.option("--no-test", is_flag=True, help="Leave out connection tests; nothing is rehearsed.")
@click.option(
    "--lock-timeout", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait for the lock."
)
@click.option(
    "--deadline",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SECONDS",
    show_default="no end",
    help="Begin nothing after this time.",
)
@click.option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", help="How the end is told."
)
@click.pass_obj
def apply_command(color: bool, /, planfile: Path | None, folder: Path, workspace: str, **chosen: Any) -> None:
    """Make the live workspace what git says.

    Every write is in the journal before it is sent, and a new secret is tested on a probe before it
    replaces one in use. Cut off at any point, the next apply finds out what became of it.

    \b
    Examples:
      keyturn apply                       plan, show, ask
      keyturn apply --approve kt1-…       exactly what was reviewed, or nothing
      keyturn apply plan.kt               exactly what was saved, or nothing
    """
    with error_boundary(color):
        from keyturn.cli.applier import ApplyRunner

        decided = planfile or chosen["approve"] or chosen["auto"]
        if not decided and (chosen["form"] == "json" or not sys.stdin.isatty()):
            raise click.UsageError(
                "there is nobody to ask: give a plan file, --approve DIGEST or --auto-approve"
            )
        code = ApplyRunner(color, chosen).run_apply(folder, workspace, planfile)
        if code != status.EXIT_DONE:
            raise ExitWith(code)
