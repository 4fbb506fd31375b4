"""Progress on the error stream: a bar on a terminal once a second has passed, plain lines elsewhere."""

import sys
import time
from typing import Any, Self

import click

from keyturn.api.records import Figures
from keyturn.core.change import Change
from keyturn.core.outcome import Ending, Outcome
from keyturn.engine.watch import Watch
from keyturn.render.safe import plain

PATIENCE = 1.0
"""Seconds before anything is drawn."""

_WORDS = {"lock": "taking the lock", "plan": "planning", "apply": "applying"}


def requests(figures: Figures) -> str:
    """Return in a line what a run asked of the service."""
    verbs = ", ".join(f"{count} {verb}" for verb, count in sorted(figures.by_verb.items()))
    waited = f", waited {figures.waited:.1f} s for the pace" if figures.waited else ""
    return f"requests: {figures.total} ({verbs}; {figures.repeated} repeated){waited}"


class Progress(Watch):
    """Draws what an engine tells; a quick run draws nothing at all.

    ``verbose``: no bar, but a line for each phase and for each change as it begins and ends.
    """

    def __init__(self, colour: bool, verbose: bool = False) -> None:
        self._colour, self._verbose = colour, verbose
        self._begun = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self._phase, self._total, self._done = "", 0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def pause(self) -> None:
        """Take the bar away, so that something else can be printed."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def phase(self, name: str, total: int = 0) -> None:
        """Begin another phase."""
        self.pause()
        self._phase, self._total, self._done = _WORDS.get(name, name), total, 0
        if self._verbose:
            click.echo(f"{self._phase}, {total} changes" if total else self._phase, err=True)

    def ended(self, outcome: Outcome) -> None:
        """Count a change; on anything but a terminal, say what went wrong at once."""
        self._done += 1
        if self._verbose or not sys.stderr.isatty():
            if self._verbose or outcome.ending is not Ending.DONE:
                click.echo(
                    f"{outcome.action} {plain(str(outcome.address))}: {outcome.ending.value}", err=True
                )
            return
        self._draw()

    def began(self, change: Change) -> None:
        """Show which change is being made."""
        if self._verbose:
            click.echo(f"{change.action.value} {plain(str(change.address))} …", err=True)
        elif sys.stderr.isatty():
            self._draw()

    def _draw(self) -> None:
        if time.monotonic() - self._begun < PATIENCE:
            return
        if self._bar is None:
            self._bar = self._made()
            self._task = self._bar.add_task(self._phase, total=self._total or None)
            self._bar.start()
        self._bar.update(self._task, completed=self._done)

    def _made(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        console = Console(stderr=True, no_color=not self._colour)
        text = TextColumn("{task.description}", markup=False)
        return Progress(text, BarColumn(), MofNCompleteColumn(), console=console, transient=True)
