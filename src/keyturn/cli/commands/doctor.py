"""keyturn doctor: check tools, keys, files, state and API."""

from pathlib import Path

import click

from keyturn.cli import exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith


@click.command("doctor")
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Output format.")
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("--offline", is_flag=True, help="Send no request to the API.")
@click.pass_obj
def doctor_command(
    color: bool, /, workspace: str, folder: Path, form: str, as_json: bool, offline: bool
) -> None:
    """Check the setup, and say how to fix each problem.

    Checks the tools, keys, files, state, lock, hooks and API that an apply needs. Exits 1 if a check
    fails. Nothing is written, and no secret is shown.

    \b
    Examples:
      keyturn doctor
      keyturn doctor --json | jq '.checks[] | select(.state == "failed")'
    """
    with error_boundary(color):
        import sys

        from keyturn.cli.environment import read_environment, stream_width
        from keyturn.cli.progress import ProgressDisplay
        from keyturn.model.results import has_failed_check
        from keyturn.operations.doctor.service_checks import run_doctor
        from keyturn.views.reports.doctor import render_doctor_report
        from keyturn.views.terminal import TerminalStyle

        form = "json" if as_json else form
        with ProgressDisplay(form, "checking"):
            checks = run_doctor(folder, workspace, read_environment(), ask=not offline)
        style = TerminalStyle(color, stream_width(sys.stdout, read_environment()))
        click.echo(render_doctor_report(checks, form, style).rstrip("\n"))
        if has_failed_check(checks):
            raise ExitWith(exit_codes.EXIT_ERROR)
