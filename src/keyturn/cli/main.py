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
from keyturn.cli.group import SuggestingGroup
from keyturn.cli.surroundings import use_color, read_environment

COMMAND_MODULES = {
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


class LazyGroup(SuggestingGroup):
    """A group that imports a command only when it is run or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a first day with keyturn."""
        return [*COMMAND_MODULES, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, with the options that every command has."""
        if cmd_name not in COMMAND_MODULES:
            return super().get_command(ctx, cmd_name)
        module, _, name = COMMAND_MODULES[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"keyturn.cli.{module}"), name or "command")
        return options.add_common_options(command, cmd_name)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="keyturn", message="%(prog)s %(version)s")
@options.chdir_option
@options.no_color_option
@options.verbose_option
@click.pass_context
def root_command(ctx: click.Context, folder: Path) -> None:
    """Credentials and connections of Planasonix, declared in git.

    Start with `keyturn init` in an empty folder, or `keyturn demo` to watch the whole story.

    \b
    Examples:
      keyturn plan                        what would change
      keyturn apply                       plan, show, ask, change
      keyturn explain KT451               what a code means
    """
    del folder  # entered by now
    colour = not options.is_color_disabled(ctx) and use_color(sys.stdout, read_environment())
    ctx.color = colour
    ctx.obj = colour


def run_and_exit() -> NoReturn:
    """Run the command line in a process of its own, and leave that at once.

    Everything durable is on disk by then, and every file and line is closed. To take ten thousand
    manifests apart one by one, and then each module, is 0.1 s that the system does in no time.
    """
    try:
        main()
    except SystemExit as leave:
        sys.stderr.flush()
        os._exit(leave.code if isinstance(leave.code, int) else status.EXIT_ERROR)


def main() -> NoReturn:
    """Run the command line and exit: usage mistakes with 64, because 2 reads as "changes wait"."""
    # Nearly everything that is made lives to the end: to look for garbage in it is a fifth of a plan.
    gc.set_threshold(1_000_000, 20, 20)
    code = _run_cli()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would try again on its way out, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run_cli() -> int:
    try:
        code = root_command.main(prog_name="keyturn", standalone_mode=False)
    except SystemExit as leave:
        code = leave.code
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        code = status.EXIT_INTERRUPTED
    except click.ClickException as mistake:
        mistake.show()
        code = status.EXIT_USAGE if isinstance(mistake, click.UsageError) else status.EXIT_ERROR
    return code if isinstance(code, int) else status.EXIT_DONE
