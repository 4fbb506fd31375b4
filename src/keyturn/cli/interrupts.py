"""Interrupts of a command: what SIGINT and SIGTERM end, and when."""

import os
import signal
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Self

from keyturn.cli import exit_codes
from keyturn.model.clock import WaitInterruptedError


class InterruptibleSleep:
    """A ``sleep(seconds)`` for all threads of a run; an interrupt ends every sleep, also each later one.

    ``interrupt`` may be called in a signal handler. ``threading.Event.set`` may not: it acquires a lock
    that the interrupted thread may hold. ``SimpleQueue.put`` is reentrant.
    """

    def __init__(self) -> None:
        self._interrupts: SimpleQueue[None] = SimpleQueue()

    def __call__(self, seconds: float) -> None:
        """Wait for ``seconds``; raises WaitInterruptedError at an interrupt."""
        try:
            self._interrupts.get(timeout=seconds)
        except Empty:
            return
        self.interrupt()  # for the next thread that sleeps
        raise WaitInterruptedError

    def interrupt(self) -> None:
        """End all sleeps."""
        self._interrupts.put(None)


class InterruptHandler:
    """Handles SIGINT and SIGTERM: each interrupt ends ``sleep`` in all threads.

    Until the first write, an interrupt ends the command at once. From ``defer_interrupts`` on, the first
    interrupt lets running changes finish, and the second ends the process.
    """

    def __init__(self) -> None:
        self._count, self._deferred = 0, False
        self.sleep = InterruptibleSleep()

    def __enter__(self) -> Self:
        self._previous_handlers = {
            number: signal.signal(number, self._handle_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def defer_interrupts(self) -> None:
        """Let running changes finish at the next interrupt."""
        self._deferred = True

    def is_stopped(self) -> bool:
        """Return whether no new change may start."""
        return self._count > 0

    def _handle_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.sleep.interrupt()
        if not self._deferred:
            raise KeyboardInterrupt
        self._count += 1
        if self._count > 1:
            # Each journal record is durable before its request is sent, so nothing is lost.
            os._exit(exit_codes.EXIT_INTERRUPTED)
        os.write(
            2,
            b"interrupted: no new change starts; running changes finish (interrupt again to exit at once)\n",
        )
