"""The group of commands; each one is imported when it is asked for, so that --version is quick."""

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from keyturn import __version__
from keyturn.cli import options, status
from keyturn.cli.group import Guessing
from keyturn.cli.surroundings import coloured, environment

COMMANDS = {
    "init": "init",
    "validate": "validate",
    "import": "import_",
    "pull": "pull",
    "plan": "plan",
    "show": "show",
    "apply": "apply",
    "test": "test",
    "secret": "secret",
    "seal": "secret:seal_command",
    "usage": "usage",
    "diff": "diff",
    "revoke": "revoke",
    "purge": "revoke:purge",
    "log": "log",
    "unlock": "unlock",
    "doctor": "doctor",
    "explain": "explain",
    "schema": "schema",
    "completion": "completion",
    "demo": "demo",
}
"""Each command and the module below ``keyturn.cli`` that holds it, in the order of the help."""


class Commands(Guessing):
    """A group that imports a command only when it is run or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a first day with keyturn."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, with the options that every command has."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"keyturn.cli.{module}"), name or "command")
        return options.everywhere(command, cmd_name)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="keyturn", message="%(prog)s %(version)s")
@options.chdir
@options.plainly
@options.verbosely
@click.pass_context
def cli(ctx: click.Context, folder: Path) -> None:
    """Credentials and connections of Planasonix, declared in git.

    Start with `keyturn init` in an empty folder, or `keyturn demo` to watch the whole story.

    \b
    Examples:
      keyturn plan                        what would change
      keyturn apply                       plan, show, ask, change
      keyturn explain KT451               what a code means
    """
    del folder  # entered by now
    colour = not options.plain(ctx) and coloured(sys.stdout, environment())
    ctx.color = colour
    ctx.obj = colour


def run() -> NoReturn:
    """Run the command line in a process of its own, and leave that at once.

    Everything durable is on disk by then, and every file and line is closed. To take ten thousand
    manifests apart one by one, and then each module, is 0.1 s that the system does in no time.
    """
    try:
        main()
    except SystemExit as leave:
        sys.stderr.flush()
        os._exit(leave.code if isinstance(leave.code, int) else status.FAULT)


def main() -> NoReturn:
    """Run the command line and exit: usage mistakes with 64, because 2 reads as "changes wait"."""
    # Nearly everything that is made lives to the end: to look for garbage in it is a fifth of a plan.
    gc.set_threshold(1_000_000, 20, 20)
    code = _code()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would try again on its way out, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _code() -> int:
    try:
        code = cli.main(prog_name="keyturn", standalone_mode=False)
    except SystemExit as leave:
        code = leave.code
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        code = status.INTERRUPTED
    except click.ClickException as mistake:
        mistake.show()
        code = status.USAGE if isinstance(mistake, click.UsageError) else status.FAULT
    return code if isinstance(code, int) else status.DONE
