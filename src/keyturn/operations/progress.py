"""Progress events of a run."""

import threading
from collections.abc import Callable

from keyturn.model.change import Change, ChangeOutcome


class ProgressListener:
    """Receives progress events; the methods do nothing unless a subclass overrides them.

    Phases: ``lock``; ``plan`` with ``manifests``, ``workspace``, ``secrets`` and ``impact`` inside it;
    ``apply``; ``test``. A subclass must display an unknown phase name unchanged.
    """

    def start_phase(self, name: str, total: int = 0) -> None:
        """A phase starts; ``total`` is its number of steps, 0 if unknown."""

    def start_change(self, change: Change) -> None:
        """A change starts."""

    def finish_change(self, outcome: ChangeOutcome) -> None:
        """A change has finished."""


class PeriodicTimer:
    """Calls a function periodically on its own thread until ``stop``."""

    def __init__(self, first: float, interval: float, call: Callable[[], None]) -> None:
        """Call after ``first`` seconds, then every ``interval`` seconds."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._call_repeatedly, args=(first, interval, call), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until a running call has returned."""
        self._stopped.set()
        self._thread.join()

    def _call_repeatedly(self, first: float, interval: float, call: Callable[[], None]) -> None:
        delay = first
        while not self._stopped.wait(delay):
            call()
            delay = interval
