"""The shared data of one apply, and the journal records around each write.

Rule: no journal, no write. The intent is durable, and the lock is checked, before a request is sent.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.client.errors import ServiceError
from keyturn.client.service_text import NO_VALUES, KnownValues
from keyturn.model.address import Address
from keyturn.model.change import Change, OutcomeStatus
from keyturn.model.clock import format_timestamp
from keyturn.model.fields import FieldPath, Fields
from keyturn.model.resource import EMPTY, DesiredResource, Generation, StateEntry
from keyturn.model.secret import Secret
from keyturn.operations.run_context import RunContext
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.fingerprint import compute_fingerprint
from keyturn.state.journal import Journal

T = TypeVar("T")


class ApplyStopped(Exception):
    """No further write may start: interrupt, deadline, or lost lock."""


class StaleObject(Exception):
    """The live object differs from the plan, or the service did not do what it confirmed."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ApplyContext(Struct, frozen=True, kw_only=True):
    """The data that all changes of an apply share.

    ``ids`` are the object IDs by address, extended with each new object. ``entries`` are the current
    state entries by object ID. ``fingerprint_key`` returns the key for fingerprints of secrets.
    ``may_write`` is called before each intent. ``known_values`` are plain values that may be shown in
    messages of the service. ``changes`` are the planned changes by object ID. ``destinations`` are the
    planned destinations of each credential. ``taken_ids`` are the IDs that a create of this run cannot have
    returned: the objects in the plan and those already created. ``lock`` protects ``taken_ids``.
    """

    run: RunContext
    journal: Journal
    ids: dict[Address, str]
    entries: dict[str, StateEntry]
    fingerprint_key: Callable[[], bytes]
    may_write: Callable[[], bool]
    tests: bool = True
    known_values: KnownValues = NO_VALUES
    changes: Mapping[str, Change] = field(default_factory=lambda: EMPTY)
    destinations: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    taken_ids: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fingerprint_secrets(self, desired: DesiredResource) -> Mapping[FieldPath, str]:
        """Return the fingerprints of the decrypted secrets of a manifest."""
        secrets = {path: value for path, value in desired.secrets.items() if isinstance(value, Secret)}
        if not secrets:
            return EMPTY
        key = self.fingerprint_key()
        return {
            path: compute_fingerprint(key, desired.address, path, value) for path, value in secrets.items()
        }

    def record_intent(
        self, change: Change, operation: str, *, generation: Generation | None = None, **details: str
    ) -> Intent:
        """Write an intent durably and return it; ``details`` are further text fields of ``Intent``.

        The intent to create an object also has its type, its plain fields and its ``generation``. Raises
        ApplyStopped if no write may start, DiagnosticError if the journal cannot be written.
        """
        if not self.may_write():
            raise ApplyStopped
        desired = change.desired
        is_creation = desired is not None and operation in {"create", "probe"}
        intent = Intent(
            id=details.pop("id", "") or self.run.new_id(),
            operation=operation,
            address=change.address,
            action=change.action.value,
            precondition=change.expected_updated_at,
            server_date=self._format_server_date(),
            fingerprints=self.fingerprint_secrets(desired) if desired else EMPTY,
            digest=desired.digest if desired else "",
            type=desired.type if desired and is_creation else "",
            fields=self._resolve_references(desired.fields) if desired and is_creation else EMPTY,
            generation=generation,
            **details,
        )
        self.journal.append(intent)
        return intent

    def record_created_id(self, intent: Intent, object_id: str) -> None:
        """Record the ID of a response to a create whose outcome stays open; durable with the next record."""
        self.journal.enqueue(replace(intent, object=object_id))

    def record_success(
        self, intent: Intent, entry: StateEntry | None = None, removed: tuple[Address, ...] = ()
    ) -> None:
        """Record that an intent is done; put ``entry`` into the state and take ``removed`` out.

        The record becomes durable with the next intent. If it is lost, the intent stays open.
        """
        if entry:
            self.entries[entry.id] = entry
        self._enqueue_success(intent, entry, removed)

    def record_untested(self, entry: StateEntry) -> None:
        """Record durably that a written object was not tested, so that the next apply tests it."""
        self.entries[entry.id] = untested = replace(entry, untested=True)
        self.journal.append(
            OutcomeRecorded(
                intent="",
                address=entry.address,
                action="untested",
                outcome_status=OutcomeStatus.DONE,
                entry=untested,
            )
        )

    def _enqueue_success(
        self, intent: Intent, entry: StateEntry | None, removed: tuple[Address, ...]
    ) -> None:
        self.journal.enqueue(
            OutcomeRecorded(
                intent=intent.id,
                address=intent.address,
                action=intent.action,
                outcome_status=OutcomeStatus.DONE,
                entry=entry,
                removed=removed,
            )
        )

    def record_failure(self, intent: Intent, outcome_status: OutcomeStatus, message: str = "") -> None:
        """Record durably that an intent failed or that its outcome is unknown."""
        self.journal.append(
            OutcomeRecorded(
                intent=intent.id,
                address=intent.address,
                action=intent.action,
                outcome_status=outcome_status,
                message=message,
            )
        )

    def record_error(self, intent: Intent, error: ServiceError) -> None:
        """Record durably what a failed request says about its intent; UNKNOWN leaves the intent open."""
        outcome_status = OutcomeStatus.UNKNOWN if error.may_be_applied else OutcomeStatus.FAILED
        self.record_failure(intent, outcome_status, error.request_line)

    def send_write(self, intent: Intent, send: Callable[[], T]) -> T:
        """Send the request of an intent and return the response; record an error before raising it."""
        try:
            return send()
        except ServiceError as error:
            self.record_error(intent, error)
            raise

    def claim_id(self, object_id: str) -> bool:
        """Mark an object as created by this run; return False if the ID was known before."""
        with self.lock:
            is_new = object_id not in self.taken_ids
            self.taken_ids.add(object_id)
        return is_new

    def _resolve_references(self, fields: Fields) -> Fields:
        return {
            path: self.ids.get(leaf, "") if isinstance(leaf, Address) else leaf
            for path, leaf in fields.items()
        }

    def _format_server_date(self) -> str:
        date = self.run.service.server_date
        return format_timestamp(datetime.fromtimestamp(date, UTC)) if date else ""
