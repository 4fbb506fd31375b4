"""Events of the journal and their JSON form."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.json import Decoder, Encoder

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.fields import FieldPath, Fields
from keyturn.model.resource import EMPTY, Generation, StateEntry
from keyturn.state.codec import (
    StoredEntry,
    check_stored_id,
    from_stored_entry,
    from_stored_fields,
    parse_stored_address,
    to_stored_entry,
    to_stored_fields,
)

_OLD_STATUSES = {"unsure": OutcomeStatus.UNKNOWN}  # The name in journals of keyturn 0.1.

GENESIS_HASH = "0" * 64
"""The previous hash of the first record of a journal."""


class JournalPosition(Struct, frozen=True):
    """The number and hash of a journal record, and the mark from which its log reads it again."""

    seq: Annotated[int, Meta(ge=0)] = 0
    hash: str = GENESIS_HASH
    mark: Annotated[int, Meta(ge=0)] = 0


class ApprovedOperation(Struct, frozen=True, array_like=True):
    """An approved operation: its action, the digest of its manifest, and a hash of all that was approved.

    The digest is empty for an operation without a manifest.
    """

    action: str
    manifest: str
    payload: str


class RunApproval(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run was allowed to do: the digest of its plan, and the consents as arguments.

    If a person or pipeline named the digest, the other fields tell a later run what is left of it:
    ``inputs`` is the hash of settings and options, ``manifests`` has the digests of recorded manifests,
    ``open_intents`` the ids of the intents that were open, ``operations`` the operations by address.
    """

    digest: str
    consents: tuple[str, ...] = ()
    inputs: str = ""
    manifests: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    open_intents: tuple[str, ...] = ()
    operations: Mapping[str, ApprovedOperation] = field(default_factory=lambda: EMPTY)


class RunStarted(Struct, frozen=True, kw_only=True, tag_field="event", tag="run"):
    """A command began to write: its random id, author, host, commit and keyturn version.

    ``dirty``: the commit does not have the files that the command read; unset outside of git. ``approval``
    is set for an apply.
    """

    run: str
    command: str
    workspace: str
    organization: str
    who: str
    host: str
    commit: str = ""
    tool: str = ""
    url: str = ""
    dirty: bool | UnsetType = UNSET
    approval: RunApproval | UnsetType = UNSET


class Intent(Struct, frozen=True, kw_only=True):
    """A request that is about to be sent; the journal is durable before the request is sent.

    ``id`` is random. ``operation`` is the request: ``create``, ``update``, ``repoint``, ``retire``,
    ``restore``, ``purge`` or ``probe``; ``detach`` or ``soft-delete`` of a revocation. ``action`` is the
    change or command that it belongs to. ``object`` is the id of the object, ``expect`` its name after the
    request, ``precondition`` its ``updated_at`` before. ``server_date`` is the Date header of the service
    before the request. ``fingerprints`` are those of the secrets sent, ``digest`` that of the manifest.
    ``type`` and ``fields`` are those of the object that a ``create`` or ``probe`` asks for, with IDs for
    references; without a type, the intent is no evidence about an object. ``generation`` is the role of
    the object to create.
    """

    id: str
    operation: str
    address: Address
    action: str
    object: str = ""
    expect: str = ""
    precondition: str = ""
    server_date: str = ""
    fingerprints: Mapping[FieldPath, str] = field(default_factory=lambda: EMPTY)
    digest: str = ""
    type: str = ""
    fields: Fields = field(default_factory=lambda: EMPTY)
    generation: Generation | None = None


class OutcomeRecorded(Struct, frozen=True, kw_only=True):
    """The outcome of an intent and its effect on the state.

    The entries of ``removed`` are removed first, then ``entry`` is added. ``intent`` is empty if no
    request was sent (adopt, forget). The status UNKNOWN leaves the intent open.
    """

    intent: str
    address: Address
    action: str
    outcome_status: OutcomeStatus
    entry: StateEntry | None = None
    removed: tuple[Address, ...] = ()
    message: str = ""


class RunFinished(Struct, frozen=True, tag_field="event", tag="end"):
    """A run ended: its id, its status, and the number of changes by outcome."""

    run: str
    run_status: str = field(name="ending")
    counts: Mapping[str, int] = field(default_factory=lambda: EMPTY)


class TornLineRemoved(Struct, frozen=True, tag_field="event", tag="repair"):
    """An incomplete last line of ``dropped`` bytes, left by a crash, was removed."""

    dropped: int


class JournalCompacted(Struct, frozen=True, tag_field="event", tag="compacted"):
    """The state document number ``serial`` was written; it contains all records before this one."""

    serial: int


JournalEvent: TypeAlias = (
    RunStarted | Intent | OutcomeRecorded | RunFinished | TornLineRemoved | JournalCompacted
)


class StoredIntent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The JSON object of an Intent in the state document."""

    id: str
    operation: str = field(name="op")
    address: str
    action: str
    object: str = ""
    expect: str = ""
    precondition: str = ""
    server_date: str = ""
    digest: str = ""
    fingerprints: dict[str, str] = {}
    type: str = ""
    fields: dict[str, Any] = {}
    generation: Generation | None = None


class _StoredIntentEvent(StoredIntent, frozen=True, tag_field="event", tag="intent"):
    pass


class _StoredOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event", tag="outcome"):
    intent: str
    address: str
    action: str
    outcome_status: str = field(name="ending")
    entry: StoredEntry | None = None
    removed: tuple[str, ...] = field(name="gone", default=())
    message: str = ""


def _event_tag(form: type[Struct]) -> str:
    return str(form.__struct_config__.tag)


_StoredEvent: TypeAlias = (
    RunStarted | _StoredIntentEvent | _StoredOutcome | RunFinished | TornLineRemoved | JournalCompacted
)
_UNCHANGED_INTENT_FIELDS = tuple(
    name for name in StoredIntent.__struct_fields__ if name not in {"address", "fingerprints", "fields"}
)
EVENT_NAMES = frozenset(_event_tag(event) for event in get_args(_StoredEvent))
"""The kinds of event that this version of keyturn knows."""

_encode_json = Encoder(enc_hook=dict).encode  # The hook converts read-only mappings.
_decode_stored_event = Decoder[_StoredEvent](_StoredEvent).decode


def event_name(event: JournalEvent) -> str:
    """Return the kind of ``event`` as the journal stores it."""
    return _event_tag(type(_to_stored_event(event)))


def encode_event(event: JournalEvent) -> bytes:
    """Return ``event`` as a JSON object on one line."""
    return _encode_json(_to_stored_event(event))


def decode_event(data: bytes) -> JournalEvent:
    """Return the event of a JSON object; other keys of the object are ignored.

    Raises ValueError or RecursionError.
    """
    stored = _decode_stored_event(data)
    if isinstance(stored, _StoredIntentEvent):
        return from_stored_intent(stored)
    return _from_stored_outcome(stored) if isinstance(stored, _StoredOutcome) else stored


def to_stored_intent(intent: Intent, form: type[StoredIntent] = StoredIntent) -> StoredIntent:
    """Return the stored form of ``intent``."""
    return form(
        address=str(intent.address),
        fingerprints=to_stored_fields(intent.fingerprints),
        fields=to_stored_fields(intent.fields),
        **{name: getattr(intent, name) for name in _UNCHANGED_INTENT_FIELDS},
    )


def from_stored_intent(stored: StoredIntent) -> Intent:
    """Return the intent of its stored form; raises ValueError for an invalid address, pointer or ID."""
    check_stored_id(stored.address, stored.object)
    return Intent(
        address=parse_stored_address(stored.address),
        fingerprints=from_stored_fields(stored.fingerprints),
        fields=from_stored_fields(stored.fields),
        **{name: getattr(stored, name) for name in _UNCHANGED_INTENT_FIELDS},
    )


def _to_stored_event(event: JournalEvent) -> Struct:
    if isinstance(event, Intent):
        return to_stored_intent(event, _StoredIntentEvent)
    return _to_stored_outcome(event) if isinstance(event, OutcomeRecorded) else event


def _to_stored_outcome(event: OutcomeRecorded) -> _StoredOutcome:
    return _StoredOutcome(
        intent=event.intent,
        address=str(event.address),
        action=event.action,
        outcome_status=event.outcome_status.value,
        entry=to_stored_entry(event.entry) if event.entry else None,
        removed=tuple(map(str, event.removed)),
        message=event.message,
    )


def _from_stored_outcome(stored: _StoredOutcome) -> OutcomeRecorded:
    return OutcomeRecorded(
        intent=stored.intent,
        address=Address.parse(stored.address),
        action=stored.action,
        outcome_status=_OLD_STATUSES.get(stored.outcome_status) or OutcomeStatus(stored.outcome_status),
        entry=from_stored_entry(stored.entry) if stored.entry else None,
        removed=tuple(map(Address.parse, stored.removed)),
        message=stored.message,
    )
