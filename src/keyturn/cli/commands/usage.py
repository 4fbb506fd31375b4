"""keyturn usage: the report for the quarterly review of credentials."""

import sys
from pathlib import Path

import click

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith

USAGE_FORMATS = ("text", "markdown", "csv", "json", "html")


@click.command("usage")
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(USAGE_FORMATS), default="text", help="Output format.")
@click.option("--no-decrypt", is_flag=True, help="Do not decrypt secrets to find expiry dates.")
@click.option(
    "--fail-on",
    default="",
    metavar="CLASSES",
    shell_complete=completion.complete_usage_classes,
    help="Exit 5 for any of: overdue, expiring, unused, unknown, long-lived, needs-consent, unmanaged.",
)
@click.pass_obj
def usage_command(
    color: bool, /, workspace: str, folder: Path, form: str, no_decrypt: bool, fail_on: str
) -> None:
    """Report the use, age and access of every credential.

    Shows users, age, expiry, avoidable long-lived keys and the people who can decrypt each credential.
    Unknown values are never shown as 0.

    \b
    Examples:
      keyturn usage --fail-on overdue,expiring
      keyturn usage --format html > review.html
    """
    with error_boundary(color):
        from keyturn.cli.context import open_command_context, with_progress
        from keyturn.cli.environment import read_environment, stream_width
        from keyturn.model.usage import USAGE_CLASSES
        from keyturn.operations.usage_report import build_usage_report
        from keyturn.views.reports.usage import render_usage
        from keyturn.views.terminal import TerminalStyle

        classes = [each.strip() for each in fail_on.split(",") if each.strip()]
        for each in classes:
            if each not in USAGE_CLASSES:
                raise click.UsageError(f"--fail-on takes {', '.join(USAGE_CLASSES)}, not {each}")
        with with_progress(open_command_context(folder, workspace), "usage", form) as run:
            found = build_usage_report(run, decrypt=not no_decrypt)
        style = TerminalStyle(color, stream_width(sys.stdout, read_environment()))
        click.echo(render_usage(found, form, style).rstrip("\r\n"))
        counts = found.count_by_class()
        if any(counts[each] for each in classes):
            raise ExitWith(exit_codes.EXIT_REFUSED)
