"""keyturn doctor: is everything in place?"""

from pathlib import Path

import click

from keyturn.cli import errors, options
from keyturn.cli.errors import ExitWith, error_boundary


@click.command("doctor")
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How it is told.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--offline", is_flag=True, help="Do not ask the API.")
@click.pass_obj
def doctor_command(
    color: bool, /, workspace: str, folder: Path, form: str, as_json: bool, offline: bool
) -> None:
    """Find out why it does not work here, and say what to mend.

    Tools, keys, files, state, lock, hooks and the API are looked at as an apply needs them. Exits 1
    when something is broken. Nothing is changed, and no secret is shown.

    \b
    Examples:
      keyturn doctor
      keyturn doctor --json | jq '.checks[] | select(.state == "broken")'
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
        with ProgressDisplay(form, "looking"):
            checks = run_doctor(folder, workspace, read_environment(), ask=not offline)
        style = TerminalStyle(color, stream_width(sys.stdout, read_environment()))
        click.echo(render_doctor_report(checks, form, style).rstrip("\n"))
        if has_failed_check(checks):
            raise ExitWith(errors.EXIT_ERROR)
