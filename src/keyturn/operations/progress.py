"""What a run tells while it goes on: three moments, each an empty method to be overridden."""

import threading
from collections.abc import Callable

from keyturn.model.change import Change, ChangeOutcome


class ProgressListener:
    """Hears of progress; the command line draws it, tests count it, the engine does neither.

    Phases: ``lock``, ``plan`` with ``manifests``, ``workspace``, ``secrets`` and ``reach`` inside it,
    ``apply``, ``test``; a name that is not known is to be shown as it is.
    """

    def start_phase(self, name: str, total: int = 0) -> None:
        """Hear that a phase begins, and of how many steps it is if that is known."""

    def start_change(self, change: Change) -> None:
        """Hear that a change is being made."""

    def finish_change(self, outcome: ChangeOutcome) -> None:
        """Hear how a change ended."""


class PeriodicTimer:
    """Calls a function from a thread of its own, for what must be told while nothing else happens."""

    def __init__(self, first: float, then: float, call: Callable[[], None]) -> None:
        """Call after ``first`` seconds and every ``then`` seconds from there on, until ``stop``."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._call_repeatedly, args=(first, then, call), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Call no more; what is being called is waited for."""
        self._stopped.set()
        self._thread.join()

    def _call_repeatedly(self, first: float, then: float, call: Callable[[], None]) -> None:
        wait = first
        while not self._stopped.wait(wait):
            call()
            wait = then
