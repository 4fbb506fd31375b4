"""keyturn test: test live connections."""

import sys
from pathlib import Path

import click
from msgspec.structs import replace

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith


@click.command("test")
@click.argument("names", nargs=-1, shell_complete=completion.complete_connections)
@options.workspace_option
@options.chdir_option
@click.option(
    "--format", "form", type=click.Choice(("text", "json", "junit")), default="text", help="Output format."
)
@click.option(
    "--parallelism",
    type=click.IntRange(1, 32),
    default=4,
    show_default=True,
    help="Credentials tested concurrently.",
)
@click.option(
    "--max-failures",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Failed logins after which the other connections of a credential are skipped.",
)
@click.pass_obj
def test_command(
    color: bool,
    /,
    names: tuple[str, ...],
    workspace: str,
    folder: Path,
    form: str,
    parallelism: int,
    max_failures: int,
) -> None:
    """Test live connections with their applied credentials.

    Each test is a real login at the target. A connection that was edited outside keyturn is skipped,
    because a test would send the secret to the edited destination. Exits 1 if a test fails.

    \b
    Examples:
      keyturn test
      keyturn test 'prod-*' --format junit > tests.xml
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_context
        from keyturn.cli.environment import read_environment, stream_width
        from keyturn.cli.progress import ProgressDisplay
        from keyturn.model.diagnostic import pluralize_or_none
        from keyturn.model.results import TestStatus
        from keyturn.operations.test_connections import FailureBudget, run_test_session
        from keyturn.views.reports.connection_tests import render_connection_tests
        from keyturn.views.terminal import TerminalStyle

        run = open_command_context(folder, workspace)
        with ProgressDisplay(form) as progress:
            session = run_test_session(
                replace(run, progress=progress), names, FailureBudget(parallelism, max_failures)
            )
        style = TerminalStyle(color, stream_width(sys.stdout, read_environment()))
        click.echo(render_connection_tests(run.workspace.name, session.results, form, style).rstrip("\n"))
        if session.unmanaged and not names:
            others = pluralize_or_none(session.unmanaged, "other live connection")
            click.echo(f"not tested, because keyturn does not manage it: {others}", err=True)
        ends = {each.status for each in session.results}
        if ends & {TestStatus.FAILED, TestStatus.UNCLEAR}:
            raise ExitWith(exit_codes.EXIT_ERROR)
        if TestStatus.REFUSED in ends:
            raise ExitWith(exit_codes.EXIT_REFUSED)
