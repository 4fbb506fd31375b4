"""The command group. Each command is imported when it runs, so that --version is fast."""

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from keyturn import __version__
from keyturn.cli import exit_codes, options
from keyturn.cli.environment import read_environment, use_color


class SuggestingGroup(click.Group):
    """A group that prints help without a command and suggests a name for an unknown one; both exit 64."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options of the group; without arguments, print the help on stderr."""
        if not args and not ctx.resilient_parsing:
            click.echo(self.get_help(ctx), err=True)
            ctx.exit(exit_codes.EXIT_USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the named command; raises UsageError with the nearest name."""
        name = args[0]
        if not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            import difflib

            near = difflib.get_close_matches(name, self.list_commands(ctx), 1, 0.5)
            suggestion = f"; did you mean {near[0]}?" if near else ""
            ctx.fail(f"there is no command {name!a}{suggestion}")
        return super().resolve_command(ctx, args)


COMMAND_MODULES = {
    "init": "commands.init",
    "validate": "commands.validate",
    "import": "commands.import_",
    "pull": "commands.pull",
    "plan": "commands.plan",
    "show": "commands.show",
    "apply": "commands.apply",
    "test": "commands.test",
    "secret": "commands.secret",
    "seal": "commands.secret",
    "key": "commands.key",
    "merge-file": "commands.merge_file",
    "usage": "commands.usage",
    "diff": "commands.diff",
    "revoke": "commands.revoke",
    "purge": "commands.revoke",
    "log": "commands.log",
    "unlock": "commands.unlock",
    "doctor": "commands.doctor",
    "explain": "commands.explain",
    "schema": "commands.schema",
    "completion": "completion",
    "demo": "demo.command",
}
"""Each command and its module below ``keyturn.cli``, in the order of the help."""


UNPROTECTED_WORDS = frozenset({"--version", "--help", "-h", "explain", "schema", "completion"})
"""The first words of command lines that read no file of a project and no secret."""


class LazyGroup(SuggestingGroup):
    """A group that imports a command only when it is run or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a new user needs them."""
        return [*COMMAND_MODULES, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with this name, with the common options added."""
        if cmd_name not in COMMAND_MODULES:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"keyturn.cli.{COMMAND_MODULES[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return options.add_common_options(command, cmd_name)


@click.group(
    "keyturn",
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

    Start with `keyturn init` in an empty folder, or `keyturn demo` for a demonstration.

    \b
    Examples:
      keyturn plan                        what would change
      keyturn apply                       plan, show, ask, change
      keyturn explain KT451               what a code means
    """
    del folder  # the option has changed the working directory
    color = not options.is_color_disabled(ctx) and use_color(sys.stdout, read_environment())
    ctx.color = color
    ctx.obj = color


def run_and_exit() -> NoReturn:
    """Run the command line in a protected process and end it with `os._exit`.

    All files and connections are closed by then. `os._exit` skips 0.1 s of interpreter teardown.
    """
    if len(sys.argv) > 1 and sys.argv[1] not in UNPROTECTED_WORDS:
        from keyturn.cli.process_protection import protect_process

        protect_process()
    try:
        main()
    except SystemExit as ended:
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else exit_codes.EXIT_ERROR)


def main() -> NoReturn:
    """Run the command line and exit; wrong usage exits 64, because 2 means "changes wait"."""
    # Nearly all objects live until the end: garbage collection would take a fifth of the time of a plan.
    gc.set_threshold(1_000_000, 20, 20)
    code = _run_cli()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would flush again at exit and print an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run_cli() -> int:
    try:
        code = root_command.main(prog_name="keyturn", standalone_mode=False)
    except SystemExit as ended:
        code = ended.code
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        code = exit_codes.EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = exit_codes.EXIT_USAGE if isinstance(error, click.UsageError) else exit_codes.EXIT_ERROR
    return code if isinstance(code, int) else exit_codes.EXIT_DONE
