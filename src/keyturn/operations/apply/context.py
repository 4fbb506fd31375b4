"""A desk: what the workers of one apply share, and the bracket around every write.

No journal, no write: the intent is on disk before the request leaves, and so is the question
whether we still hold the lock.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct, field

from keyturn.client.errors import ServiceError
from keyturn.client.request_body import NO_REDACTION, SecretRedactor
from keyturn.model.address import Address
from keyturn.model.change import Change, OutcomeStatus
from keyturn.model.clock import format_timestamp
from keyturn.model.fields import FieldPath
from keyturn.model.resource import EMPTY, DesiredResource, StateEntry
from keyturn.model.secret import Secret
from keyturn.operations.run_context import RunContext
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.fingerprint import compute_fingerprint
from keyturn.state.journal import Journal

T = TypeVar("T")


class ApplyStopped(Exception):
    """Raised where no further write may begin: interrupted, out of time, or the lock is lost."""


class StaleObject(Exception):
    """Raised where the live object is not as the plan saw it; ``message`` says what moved."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ApplyContext(Struct, frozen=True, kw_only=True):
    """The shared things of an apply.

    ``ids`` grows as objects are created; ``entries`` are the state's, by id, as they become.
    ``allowed`` says whether more may be written; it is asked before every intent.
    ``key`` fingerprints secrets; ``hide`` is over the opened ones, which no message of the service may
    repeat. ``changes`` says, by id, what this apply does to the objects that are there, ``destinations``
    where it sends the secrets of each credential. ``taken`` are ids that no create can have led to:
    what the plan saw, and what this run has made.
    """

    run: RunContext
    journal: Journal
    ids: dict[Address, str]
    entries: dict[str, StateEntry]
    fingerprint_key: Callable[[], bytes]
    may_write: Callable[[], bool]
    tests: bool = True
    redactor: SecretRedactor = NO_REDACTION
    changes: Mapping[str, Change] = field(default_factory=lambda: EMPTY)
    destinations: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    taken_ids: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fingerprint_secrets(self, desired: DesiredResource) -> Mapping[FieldPath, str]:
        """Return the fingerprints of a manifest's opened secrets."""
        opened = {path: value for path, value in desired.secrets.items() if isinstance(value, Secret)}
        if not opened:
            return EMPTY
        key = self.fingerprint_key()
        return {
            path: compute_fingerprint(key, desired.address, path, value) for path, value in opened.items()
        }

    def record_intent(self, change: Change, op: str, **more: str) -> Intent:
        """Write down what is about to be sent, durably, and return it; raises Halt or Faulty."""
        if not self.may_write():
            raise ApplyStopped
        desired = change.desired
        intent = Intent(
            id=self.run.new_id(),
            operation=op,
            address=change.address,
            action=change.action.value,
            precondition=change.expected_updated_at,
            server_date=self._format_server_date(),
            fingerprints=self.fingerprint_secrets(desired) if desired else EMPTY,
            digest=desired.digest if desired else "",
            **more,
        )
        self.journal.append(intent)
        return intent

    def record_success(
        self, intent: Intent, entry: StateEntry | None = None, removed: tuple[Address, ...] = ()
    ) -> None:
        """Note that an intent was carried out, and what the state holds from now on."""
        if entry:
            self.entries[entry.id] = entry
        self._record_end(intent, OutcomeStatus.DONE, entry, removed)

    def record_failure(self, intent: Intent, ending: OutcomeStatus, message: str = "") -> None:
        """Note that an intent came to nothing, or that nobody knows."""
        self.journal.append(
            OutcomeRecorded(
                intent=intent.id,
                address=intent.address,
                action=intent.action,
                outcome_status=ending,
                message=message,
            )
        )

    def _record_end(
        self, intent: Intent, ending: OutcomeStatus, entry: StateEntry | None, removed: tuple[Address, ...]
    ) -> None:
        self.journal.enqueue(
            OutcomeRecorded(
                intent=intent.id,
                address=intent.address,
                action=intent.action,
                outcome_status=ending,
                entry=entry,
                removed=removed,
            )
        )

    def _format_server_date(self) -> str:
        date = self.run.service.server_date
        return format_timestamp(datetime.fromtimestamp(date, UTC)) if date else ""

    def send_write(self, intent: Intent, send: Callable[[], T]) -> T:
        """Send the request of an intent, and journal its failure before the error is raised.

        The intent stays open where the request may have been applied: the next run looks.
        """
        try:
            return send()
        except ServiceError as error:
            self.record_failure(
                intent,
                OutcomeStatus.UNKNOWN if error.may_be_applied else OutcomeStatus.FAILED,
                error.request_line,
            )
            raise

    def claim_id(self, identity: str) -> bool:
        """Note that an object was made by this run, so that nobody else adopts it; False if it was there."""
        with self.lock:
            there = identity in self.taken_ids
            self.taken_ids.add(identity)
        return not there
