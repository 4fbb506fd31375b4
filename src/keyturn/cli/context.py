"""Contexts of commands: run, client and plan options from flags and the environment."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from msgspec.structs import replace

from keyturn.cli.environment import read_environment
from keyturn.cli.interrupts import InterruptHandler
from keyturn.cli.progress import ProgressDisplay
from keyturn.client.client import Client
from keyturn.operations import run_context
from keyturn.operations.plan.plan import PlanOptions
from keyturn.operations.run_context import RunContext
from keyturn.planning.inputs import Approvals
from keyturn.project.project import open_project


def open_command_context(
    folder: Path, workspace: str, config_from: str = "", sleep: Callable[[float], None] | None = None
) -> RunContext:
    """Return the run context for a workspace of the project around ``folder``; raises DiagnosticError.

    ``config_from`` is a revision whose keyturn.yaml replaces that of the working tree. Without ``sleep``,
    an interrupt ends the waits of the run and the command.
    """
    run = run_context.open_run_context(
        folder, workspace, read_environment(), config_from, sleep or _open_interruptible_sleep()
    )
    _close_at_exit(run.service)
    return run


def open_command_client(folder: Path, workspace: str) -> Client:
    """Return the client for a workspace of the project around ``folder``; reads keyturn.yaml only."""
    project = open_project(folder)
    service = run_context.open_client(
        project, project.find_workspace(workspace), read_environment(), _open_interruptible_sleep()
    )
    _close_at_exit(service)
    return service


@contextmanager
def with_progress(run: RunContext, phase: str, form: str = "text") -> Iterator[RunContext]:
    """Yield a run whose progress is displayed from ``phase`` on; ``form`` is the output format."""
    with ProgressDisplay(form, phase) as progress:
        yield replace(run, progress=progress)


def _open_interruptible_sleep() -> Callable[[float], None]:
    ctx = click.get_current_context(silent=True)
    return ctx.with_resource(InterruptHandler()).sleep if ctx else time.sleep


def _close_at_exit(service: Client) -> None:
    ctx = click.get_current_context(silent=True)
    if ctx:
        ctx.call_on_close(service.close)


def parse_plan_options(options: Mapping[str, object]) -> PlanOptions:
    """Return the plan options from the flags of plan and apply."""

    def read_names(key: str) -> frozenset[str]:
        value = options.get(key, ())
        return frozenset(value) if isinstance(value, tuple) else frozenset()

    def read_number(key: str) -> int:
        value = options.get(key, -1)
        return value if isinstance(value, int) else -1

    return PlanOptions(
        targets=tuple(sorted(read_names("targets"))),
        reassert=read_names("reassert"),
        tests=not options.get("no_test"),
        approvals=Approvals(
            destinations=read_names("allow_destination_change"),
            adopt=read_names("adopt"),
            reuse=read_names("allow_reuse"),
            restore=read_names("allow_restore"),
            retire=read_number("allow_retire"),
            rotate=read_number("allow_rotate"),
            empty=bool(options.get("allow_empty")),
            older_commit=bool(options.get("allow_older_commit")),
        ),
    )
