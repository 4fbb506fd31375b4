"""Progress on the error stream: a bar on a terminal once a second has passed, plain lines elsewhere."""

import sys
import threading
import time
from enum import Enum, auto
from typing import Any, Self

import click

from keyturn.cli import options
from keyturn.cli.surroundings import coloured, environment
from keyturn.core.change import Change
from keyturn.core.outcome import Ending, Outcome
from keyturn.engine.watch import Alarm, Watch
from keyturn.render.safe import line

PATIENCE = 1.0
"""Seconds before anything is drawn."""

PERIOD = 10.0
"""Seconds between two plain lines while nothing else is to be told."""

_WORDS = {
    "lock": "taking the lock",
    "plan": "planning",
    "manifests": "planning: reading manifests",
    "workspace": "planning: reading the workspace",
    "secrets": "planning: opening secrets",
    "reach": "planning: how far it reaches",
    "apply": "applying",
    "usage": "reviewing",
    "import": "importing",
    "pull": "pulling",
    "test": "testing",
}


class Manner(Enum):
    """How progress is told: ``SILENT`` where a program reads, ``ALL`` where a person asked for it."""

    SILENT = auto()
    LINES = auto()
    BAR = auto()
    ALL = auto()


def manner(form: str, *, verbose: bool) -> Manner:
    """Return how a command tells its progress whose result is drawn as ``form``."""
    if verbose:
        return Manner.ALL
    if form == "json":
        return Manner.SILENT
    return Manner.BAR if sys.stderr.isatty() and environment().get("TERM") != "dumb" else Manner.LINES


class Progress(Watch):
    """Draws what an engine tells; a quick run draws nothing at all. Used from several threads.

    ``form`` is how the command's result is drawn, ``phase`` what it begins with.
    """

    def __init__(self, form: str = "text", phase: str = "") -> None:
        ctx = click.get_current_context(silent=True)  # the alarm's thread has none
        self._plain = (ctx is not None and options.plain(ctx)) or not coloured(sys.stderr, environment())
        self._manner = manner(form, verbose=options.verbose())
        self._begun = time.monotonic()
        self._lock = threading.RLock()
        self._alarm: Alarm | None = None
        self._bar: Any = None
        self._task: Any = None
        self._held = True
        self._first, self._phase, self._total, self._done = phase, "", 0, 0

    def __enter__(self) -> Self:
        if self._manner in {Manner.BAR, Manner.LINES}:
            self._alarm = Alarm(PATIENCE, PERIOD, self._tell)
        if self._first:
            self.phase(self._first)
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()
        if self._alarm:
            self._alarm.stop()

    def pause(self) -> None:
        """Take the bar away and be silent until the next phase, so that something else can be printed."""
        with self._lock:
            self._held = True
            if self._bar:
                self._bar.stop()
                self._bar = None

    def phase(self, name: str, total: int = 0) -> None:
        """Begin another phase."""
        with self._lock:
            self._phase, self._total, self._done = _WORDS.get(name, name), total, 0
            self._held = False
            if self._manner is Manner.ALL:
                click.echo(f"{self._phase}, {total} changes" if total else self._phase, err=True)
            elif self._late():
                self._tell()

    def ended(self, outcome: Outcome) -> None:
        """Count a change; on anything but a terminal, say what went wrong at once."""
        with self._lock:
            self._done += 1
            loud = self._manner is Manner.LINES and outcome.ending is not Ending.DONE
            if loud or self._manner is Manner.ALL:
                click.echo(f"{outcome.action} {line(str(outcome.address))}: {outcome.ending.value}", err=True)
            elif self._manner is Manner.BAR and self._late():
                self._tell()

    def began(self, change: Change) -> None:
        """Show which change is being made."""
        if self._manner is Manner.ALL:
            click.echo(f"{change.action.value} {line(str(change.address))} …", err=True)

    def _late(self) -> bool:
        return time.monotonic() - self._begun >= PATIENCE

    def _tell(self) -> None:
        with self._lock:
            if self._held:
                return
            if self._manner is Manner.LINES:
                click.echo(f"{self._said()} ({time.monotonic() - self._begun:.0f} s)", err=True)
            elif self._manner is Manner.BAR:
                self._draw()

    def _said(self) -> str:
        return f"{self._phase}: {self._done} of {self._total}" if self._total else self._phase

    def _draw(self) -> None:
        if self._bar is None:
            self._bar = _bar(plain=self._plain)
            self._task = self._bar.add_task("", total=None)
            self._bar.start()
        self._bar.update(
            self._task, description=self._said(), total=self._total or None, completed=self._done
        )


def _bar(*, plain: bool) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=plain, highlight=False)
    text = TextColumn("{task.description}", markup=False)
    return Progress(text, BarColumn(), TimeElapsedColumn(), console=console, transient=True)
