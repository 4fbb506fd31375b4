"""A desk: what the workers of one apply share, and the bracket around every write.

No journal, no write: the intent is on disk before the request leaves, and so is the question
whether we still hold the lock.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct, field

from keyturn.api.errors import ServiceError
from keyturn.api.wire import UNVEILED, Veil
from keyturn.core.address import Address
from keyturn.core.change import Change
from keyturn.core.fields import Path
from keyturn.core.outcome import Ending
from keyturn.core.resource import EMPTY, Desired, Known
from keyturn.core.secret import Secret
from keyturn.engine.run import Run
from keyturn.ledger.clock import stamp
from keyturn.ledger.event import Finished, Intent
from keyturn.ledger.fingerprint import fingerprint
from keyturn.ledger.journal import Journal

T = TypeVar("T")


class Halt(Exception):  # noqa: N818
    """Raised where no further write may begin: interrupted, out of time, or the lock is lost."""


class Stale(Exception):  # noqa: N818
    """Raised where the live object is not as the plan saw it; ``message`` says what moved."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Desk(Struct, frozen=True, kw_only=True):
    """The shared things of an apply.

    ``ids`` grows as objects are created; ``entries`` are the ledger's, by id, as they become.
    ``allowed`` says whether more may be written; it is asked before every intent.
    ``key`` fingerprints secrets; ``hide`` is over the opened ones, which no message of the service may
    repeat. ``changes`` says, by id, what this apply does to the objects that are there, ``destinations``
    where it sends the secrets of each credential. ``taken`` are ids that no create can have led to:
    what the plan saw, and what this run has made.
    """

    run: Run
    journal: Journal
    ids: dict[Address, str]
    entries: dict[str, Known]
    key: Callable[[], bytes]
    allowed: Callable[[], bool]
    tests: bool = True
    hide: Veil = UNVEILED
    changes: Mapping[str, Change] = field(default_factory=lambda: EMPTY)
    destinations: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    taken: set[str] = field(default_factory=set)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def prints(self, desired: Desired) -> Mapping[Path, str]:
        """Return the fingerprints of a manifest's opened secrets."""
        opened = {path: value for path, value in desired.secrets.items() if isinstance(value, Secret)}
        if not opened:
            return EMPTY
        key = self.key()
        return {path: fingerprint(key, desired.address, path, value) for path, value in opened.items()}

    def intend(self, change: Change, op: str, **more: str) -> Intent:
        """Write down what is about to be sent, durably, and return it; raises Halt or Faulty."""
        if not self.allowed():
            raise Halt
        desired = change.desired
        intent = Intent(
            id=self.run.fresh(),
            op=op,
            address=change.address,
            action=change.action.value,
            precondition=change.expected,
            server_date=self._server_date(),
            fingerprints=self.prints(desired) if desired else EMPTY,
            digest=desired.digest if desired else "",
            **more,
        )
        self.journal.append(intent)
        return intent

    def finish(self, intent: Intent, entry: Known | None = None, gone: tuple[Address, ...] = ()) -> None:
        """Note that an intent was carried out, and what the ledger holds from now on."""
        if entry:
            self.entries[entry.id] = entry
        self._end(intent, Ending.DONE, entry, gone)

    def drop(self, intent: Intent, ending: Ending, message: str = "") -> None:
        """Note that an intent came to nothing, or that nobody knows."""
        self.journal.append(
            Finished(
                intent=intent.id, address=intent.address, action=intent.action, ending=ending, message=message
            )
        )

    def _end(self, intent: Intent, ending: Ending, entry: Known | None, gone: tuple[Address, ...]) -> None:
        self.journal.enqueue(
            Finished(
                intent=intent.id,
                address=intent.address,
                action=intent.action,
                ending=ending,
                entry=entry,
                gone=gone,
            )
        )

    def _server_date(self) -> str:
        date = self.run.service.server_date
        return stamp(datetime.fromtimestamp(date, UTC)) if date else ""

    def send_write(self, intent: Intent, send: Callable[[], T]) -> T:
        """Send the request of an intent, and journal its failure before the error is raised.

        The intent stays open where the request may have been applied: the next run looks.
        """
        try:
            return send()
        except ServiceError as error:
            self.drop(intent, Ending.UNSURE if error.may_be_applied else Ending.FAILED, error.where)
            raise

    def claim(self, identity: str) -> bool:
        """Note that an object was made by this run, so that nobody else adopts it; False if it was there."""
        with self.guard:
            there = identity in self.taken
            self.taken.add(identity)
        return not there
