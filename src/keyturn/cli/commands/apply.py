"""keyturn apply: apply a reviewed plan, or plan, show and ask."""

import sys
from pathlib import Path
from typing import Any

import click

from keyturn.cli import exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith


@click.command("apply")
@click.argument("planfile", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.workspace_option
@options.target_option
@options.reassert_option
@options.approval_options
@options.no_test_option
@options.chdir_option
@click.option("--approve", default="", metavar="DIGEST", help="Apply only if the plan has this digest.")
@click.option("--auto-approve", "--yes", "-y", "auto", is_flag=True, help="Do not ask.")
@click.option(
    "--parallelism",
    type=click.IntRange(1, 32),
    default=8,
    show_default=True,
    help="Concurrent requests.",
)
@click.option(
    "--lock-timeout", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait for the lock."
)
@click.option(
    "--deadline",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SECONDS",
    show_default="no limit",
    help="Start no new operation after SECONDS.",
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Output format.")
@click.pass_obj
def apply_command(color: bool, /, planfile: Path | None, folder: Path, workspace: str, **chosen: Any) -> None:
    """Change the live workspace so that it matches the manifests.

    Each write is journaled before it is sent, and a new secret is tested on a probe before it replaces
    the one in use. After an interruption, the next apply first checks which writes succeeded.

    \b
    Examples:
      keyturn apply                       plan, show, ask
      keyturn apply --approve kt2-…       exactly what was reviewed, or nothing
      keyturn apply plan.kt               exactly what was saved, or nothing
    """
    with error_boundary(color):
        decided = planfile or chosen["approve"] or chosen["auto"]
        if not decided and (chosen["form"] == "json" or not sys.stdin.isatty()):
            raise click.UsageError(
                "cannot prompt (no terminal): pass a plan file, --approve DIGEST or --auto-approve"
            )
        from keyturn.cli.apply_runner import ApplyRunner

        code = ApplyRunner(color, chosen).run_apply(folder, workspace, planfile)
        if code != exit_codes.EXIT_DONE:
            raise ExitWith(code)
