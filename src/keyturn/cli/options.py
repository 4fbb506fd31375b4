"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from keyturn.cli import completion

F = TypeVar("F", bound=Callable[..., Any])

_UNSET_DEFAULTS = ("", None, (), Path())
"""Defaults that mean "not set"."""

_NO_COLOR_KEY, _VERBOSE_KEY = "keyturn.plain", "keyturn.verbose"
_FOLDER_KEY = "keyturn.folder"


def _set_no_color(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_NO_COLOR_KEY] = True
        ctx.color = ctx.obj = False


def _set_verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_VERBOSE_KEY] = True


def is_color_disabled(ctx: click.Context) -> bool:
    """Return whether --no-color was given, before or after the command."""
    return bool(ctx.meta.get(_NO_COLOR_KEY))


def is_verbose() -> bool:
    """Return whether --verbose was given."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(_VERBOSE_KEY))


no_color_option = click.option(
    "--no-color",
    is_flag=True,
    expose_value=False,
    callback=_set_no_color,
    help="Do not colour the output; same as NO_COLOR.",
)
verbose_option = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    expose_value=False,
    callback=_set_verbose,
    help="Print more on stderr: phases, each change, requests.",
)


def add_common_options(command: click.Command, words: str) -> click.Command:
    """Add the common options to the command ``words`` and its subcommands; return it.

    These are --no-color and --verbose after the name, shown defaults, and an epilog with exit codes,
    environment and further reading.
    """
    from keyturn.cli.help import build_epilog

    if not any("--no-color" in option.opts for option in command.params):
        verbose_option(no_color_option(command))
        command.epilog = build_epilog(words)
        for option in command.params:
            if (
                isinstance(option, click.Option)
                and not option.is_flag
                and option.default not in _UNSET_DEFAULTS
            ):
                shown = "as policy allows" if option.default == -1 else True
                option.show_default = option.show_default or shown
    for name, below in command.commands.items() if isinstance(command, click.Group) else ():
        add_common_options(below, f"{words} {name}")
    return command


def workspace_option(command: F) -> F:
    """Add --workspace."""
    return click.option(
        "-w",
        "--workspace",
        default="",
        metavar="NAME",
        help="The workspace; required if there are several.",
        shell_complete=completion.complete_workspaces,
    )(command)


def target_option(command: F) -> F:
    """Add --target."""
    return click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="ADDRESS",
        help="Only this resource and its references: credential/NAME, a name, or a pattern.",
        shell_complete=completion.complete_addresses,
    )(command)


def reassert_option(command: F) -> F:
    """Add --reassert."""
    return click.option(
        "--reassert",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.complete_credentials,
        help="Write the secrets of this resource again.",
    )(command)


def no_test_option(command: F) -> F:
    """Add --no-test."""
    return click.option("--no-test", is_flag=True, help="Apply without connection tests and probes.")(command)


def approval_options(command: F) -> F:
    """Add the options that allow what a guard refuses, each by name."""
    for option in (
        click.option("--allow-empty", is_flag=True, help="Allow a workspace without manifests."),
        click.option(
            "--allow-older-commit", is_flag=True, help="Allow an older commit than the one that was applied."
        ),
        click.option(
            "--allow-rotate", type=int, default=-1, metavar="N", help="Allow N rotations in one plan."
        ),
        click.option(
            "--allow-retire", type=int, default=-1, metavar="N", help="Allow N retirements in one plan."
        ),
        click.option(
            "--allow-reuse",
            multiple=True,
            metavar="NAME",
            shell_complete=completion.complete_credentials,
            help="Allow an earlier secret to return.",
        ),
        click.option(
            "--allow-restore",
            multiple=True,
            metavar="NAME",
            shell_complete=completion.complete_names,
            help="Allow the restore of a revoked or deleted object.",
        ),
        click.option(
            "--adopt",
            multiple=True,
            metavar="NAME",
            shell_complete=completion.complete_names,
            help="Adopt an existing live object; '*' for any.",
        ),
        click.option(
            "--allow-destination-change",
            multiple=True,
            metavar="NAME",
            help="Allow this credential's secret to be sent to a new destination.",
            shell_complete=completion.complete_credentials,
        ),
    ):
        command = option(command)
    return command


def _enter_directory(ctx: click.Context, param: click.Parameter, folder: Path) -> Path:
    if ctx.resilient_parsing or folder == Path():
        return folder
    try:
        os.chdir(folder)
    except OSError as error:
        raise click.BadParameter(error.strerror or "cannot be entered", ctx, param) from None
    ctx.meta[_FOLDER_KEY] = str(folder)
    return Path()


def list_folder_arguments() -> tuple[str, ...]:
    """Return --chdir with its folder as arguments, empty if it was not given."""
    ctx = click.get_current_context(silent=True)
    folder = ctx.meta.get(_FOLDER_KEY, "") if ctx else ""
    return ("--chdir", folder) if folder else ()


def chdir_option(command: F) -> F:
    """Add --chdir, which takes effect before any other path is checked."""
    return click.option(
        "-C",
        "--chdir",
        "folder",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path(),
        is_eager=True,
        callback=_enter_directory,
        metavar="FOLDER",
        help="Run as if started in FOLDER.",
    )(command)
