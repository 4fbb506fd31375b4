"""Progress on stderr: a bar on a terminal after one second, plain lines elsewhere."""

import sys
import threading
import time
from enum import Enum, auto
from typing import Any, Self

import click

from keyturn.cli import options
from keyturn.cli.environment import read_environment, use_color
from keyturn.model.change import Change, ChangeOutcome, OutcomeStatus
from keyturn.operations.progress import PeriodicTimer, ProgressListener
from keyturn.views.escaping import escape_line

FIRST_DRAW_DELAY = 1.0
"""Seconds before the first output."""

LINE_INTERVAL = 10.0
"""Seconds between two plain lines."""

_PHASE_LABELS = {
    "lock": "taking the lock",
    "plan": "planning",
    "manifests": "planning: reading manifests",
    "workspace": "planning: reading the workspace",
    "secrets": "planning: decrypting secrets",
    "impact": "planning: computing the impact",
    "apply": "applying",
    "usage": "reviewing",
    "import": "importing",
    "pull": "pulling",
    "test": "testing",
}


class ProgressStyle(Enum):
    """How progress is displayed: ``SILENT`` beside JSON, ``VERBOSE`` with --verbose."""

    SILENT = auto()
    LINES = auto()
    BAR = auto()
    VERBOSE = auto()


def choose_progress_style(form: str, *, verbose: bool) -> ProgressStyle:
    """Return the progress style of a command with the output format ``form``."""
    if verbose:
        return ProgressStyle.VERBOSE
    if form == "json":
        return ProgressStyle.SILENT
    return (
        ProgressStyle.BAR
        if sys.stderr.isatty() and read_environment().get("TERM") != "dumb"
        else ProgressStyle.LINES
    )


class ProgressDisplay(ProgressListener):
    """Displays the progress of an operation; a fast run displays nothing. Safe for several threads.

    ``form`` is the output format of the command, ``phase`` the first phase.
    """

    def __init__(self, form: str = "text", phase: str = "") -> None:
        ctx = click.get_current_context(silent=True)  # the thread of the timer has no context
        self._plain = (ctx is not None and options.is_color_disabled(ctx)) or not use_color(
            sys.stderr, read_environment()
        )
        self._style = choose_progress_style(form, verbose=options.is_verbose())
        self._started = time.monotonic()
        self._lock = threading.RLock()
        self._timer: PeriodicTimer | None = None
        self._bar: Any = None
        self._task: Any = None
        self._paused = True
        self._first_phase, self._phase, self._total, self._done = phase, "", 0, 0

    def __enter__(self) -> Self:
        if self._style in {ProgressStyle.BAR, ProgressStyle.LINES}:
            self._timer = PeriodicTimer(FIRST_DRAW_DELAY, LINE_INTERVAL, self._print_progress)
        if self._first_phase:
            self.start_phase(self._first_phase)
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()
        if self._timer:
            self._timer.stop()

    def pause(self) -> None:
        """Remove the bar and print nothing until the next phase, so that other output can be printed."""
        with self._lock:
            self._paused = True
            if self._bar:
                self._bar.stop()
                self._bar = None

    def start_phase(self, name: str, total: int = 0) -> None:
        """Start a phase with ``total`` changes."""
        with self._lock:
            self._phase, self._total, self._done = _PHASE_LABELS.get(name, name), total, 0
            self._paused = False
            if self._style is ProgressStyle.VERBOSE:
                click.echo(f"{self._phase}, {total} changes" if total else self._phase, err=True)
            elif self._is_late():
                self._print_progress()

    def finish_change(self, outcome: ChangeOutcome) -> None:
        """Count a change; print a failed one at once if stderr is no terminal."""
        with self._lock:
            self._done += 1
            is_failure = (
                self._style is ProgressStyle.LINES and outcome.outcome_status is not OutcomeStatus.DONE
            )
            if is_failure or self._style is ProgressStyle.VERBOSE:
                click.echo(
                    f"{outcome.action} {escape_line(str(outcome.address))}: {outcome.outcome_status.value}",
                    err=True,
                )
            elif self._style is ProgressStyle.BAR and self._is_late():
                self._print_progress()

    def start_change(self, change: Change) -> None:
        """Print the change that starts, with --verbose."""
        if self._style is ProgressStyle.VERBOSE:
            click.echo(f"{change.action.value} {escape_line(str(change.address))} …", err=True)

    def _is_late(self) -> bool:
        return time.monotonic() - self._started >= FIRST_DRAW_DELAY

    def _print_progress(self) -> None:
        with self._lock:
            if self._paused:
                return
            if self._style is ProgressStyle.LINES:
                click.echo(f"{self._format_status()} ({time.monotonic() - self._started:.0f} s)", err=True)
            elif self._style is ProgressStyle.BAR:
                self._draw_bar()

    def _format_status(self) -> str:
        return f"{self._phase}: {self._done} of {self._total}" if self._total else self._phase

    def _draw_bar(self) -> None:
        if self._bar is None:
            self._bar = _create_bar(plain=self._plain)
            self._task = self._bar.add_task("", total=None)
            self._bar.start()
        self._bar.update(
            self._task, description=self._format_status(), total=self._total or None, completed=self._done
        )


def _create_bar(*, plain: bool) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=plain, highlight=False)
    text = TextColumn("{task.description}", markup=False)
    return Progress(text, BarColumn(), TimeElapsedColumn(), console=console, transient=True)
