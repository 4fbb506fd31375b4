"""What is written into the journal: frozen events, and their form as JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeAlias

from msgspec import Struct, field
from msgspec.structs import asdict, fields

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.fields import FieldPath
from keyturn.model.resource import EMPTY, StateEntry
from keyturn.state.codec import Codec, JsonTree, require_text, require_texts

GENESIS_HASH = "0" * 64
"""The hash that the first record of a journal follows."""


class JournalPosition(Struct, frozen=True):
    """A place in the journal: number and hash of a record, and the tape's mark to read it again."""

    seq: int = 0
    hash: str = GENESIS_HASH
    mark: int = 0

    def to_dict(self) -> JsonTree:
        """Return the position as JSON."""
        return {"seq": self.seq, "hash": self.hash, "mark": self.mark}

    @classmethod
    def from_dict(cls, tree: JsonTree) -> Self:
        """Read what ``tree`` wrote; raises KeyError, TypeError or ValueError."""
        return cls(int(tree["seq"]), require_text(tree["hash"]), int(tree["mark"]))


class RunStarted(Struct, frozen=True, kw_only=True):
    """Somebody began to write: a random id, who and where, which commit, which keyturn."""

    run: str
    command: str
    workspace: str
    organization: str
    who: str
    host: str
    commit: str = ""
    tool: str = ""
    url: str = ""


class Intent(Struct, frozen=True, kw_only=True):
    """What is about to be sent to the service; nothing is sent before this is on disk.

    ``id`` is random and given by the caller; ``op`` says which request (``create``, ``update``,
    ``repoint``, ``retire``, ``restore``, ``purge``, ``probe``; ``detach`` and ``soft-delete`` of a
    revocation), ``action`` of which change or command it is a part.
    ``object`` is the id of the object written to, ``expect`` the name that it will carry,
    ``precondition`` the ``updated_at`` that it had, ``server_date`` the service's own clock just
    before. ``fingerprints`` are those of the secrets sent, ``digest`` that of the source file.
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


class OutcomeRecorded(Struct, frozen=True, kw_only=True):
    """How an intent ended, and what the state holds from now on.

    ``entry`` is put into the state, the entries of ``gone`` are taken out first. ``intent`` is
    empty where nothing was sent (adopt, forget). An ending of UNSURE leaves the intent open.
    """

    intent: str
    address: Address
    action: str
    outcome_status: OutcomeStatus
    entry: StateEntry | None = None
    removed: tuple[Address, ...] = ()
    message: str = ""


class RunFinished(Struct, frozen=True):
    """A run came to its end: its id, how, and how many changes ended in which way."""

    run: str
    run_status: str
    counts: Mapping[str, int] = field(default_factory=lambda: EMPTY)


class TornLineRemoved(Struct, frozen=True):
    """A torn last line of ``dropped`` bytes, left by a killed or powerless writer, was cut off."""

    dropped: int


class JournalCompacted(Struct, frozen=True):
    """The state's document number ``serial`` was written and holds all that stands before this."""

    serial: int


JournalEvent: TypeAlias = (
    RunStarted | Intent | OutcomeRecorded | RunFinished | TornLineRemoved | JournalCompacted
)


def encode_intent(intent: Intent) -> JsonTree:
    """Return ``intent`` as a tree; what is empty is left out."""
    tree: JsonTree = {
        "id": intent.id,
        "op": intent.operation,
        "address": str(intent.address),
        "action": intent.action,
    }
    tree |= {name: value for name in _INTENT_TEXT_FIELDS if (value := getattr(intent, name))}
    if intent.fingerprints:
        tree["fingerprints"] = Codec().encode_fields(intent.fingerprints)
    return tree


_INTENT_TEXT_FIELDS = ("object", "expect", "precondition", "server_date", "digest")


def decode_intent(tree: JsonTree) -> Intent:
    """Read what ``pack_intent`` wrote; raises KeyError, TypeError or ValueError."""
    return Intent(
        id=require_text(tree["id"]),
        operation=require_text(tree["op"]),
        address=Address.parse(require_text(tree["address"])),
        action=require_text(tree["action"]),
        fingerprints=Codec().decode_fingerprints(tree.get("fingerprints", {})),
        **{name: require_text(tree.get(name, "")) for name in _INTENT_TEXT_FIELDS},
    )


def _encode_outcome(event: OutcomeRecorded) -> JsonTree:
    tree: JsonTree = {
        "intent": event.intent,
        "address": str(event.address),
        "action": event.action,
        "ending": event.outcome_status.value,
    }
    if event.entry:
        tree["entry"] = Codec().encode_entry(event.entry)
    if event.removed:
        tree["gone"] = [str(address) for address in event.removed]
    if event.message:
        tree["message"] = event.message
    return tree


def _decode_outcome(tree: JsonTree) -> OutcomeRecorded:
    entry = tree.get("entry")
    return OutcomeRecorded(
        intent=require_text(tree["intent"]),
        address=Address.parse(require_text(tree["address"])),
        action=require_text(tree["action"]),
        outcome_status=OutcomeStatus(tree["ending"]),
        entry=None if entry is None else Codec().decode_entry(entry),
        removed=tuple(map(Address.parse, require_texts(tree.get("gone", ())))),
        message=require_text(tree.get("message", "")),
    )


_RUN_STARTED_FIELDS = tuple(each.name for each in fields(RunStarted))


def _decode_run_started(tree: JsonTree) -> RunStarted:
    return RunStarted(**{name: require_text(tree[name]) for name in _RUN_STARTED_FIELDS})


def _decode_run_finished(tree: JsonTree) -> RunFinished:
    counts = {require_text(name): int(count) for name, count in tree["counts"].items()}
    return RunFinished(require_text(tree["run"]), require_text(tree["ending"]), counts)


_Encoder: TypeAlias = Callable[[Any], JsonTree]
_Decoder: TypeAlias = Callable[[JsonTree], JournalEvent]

_EVENT_FORMATS: Mapping[str, tuple[type, _Encoder, _Decoder]] = {
    "run": (RunStarted, asdict, _decode_run_started),
    "intent": (Intent, encode_intent, decode_intent),
    "outcome": (OutcomeRecorded, _encode_outcome, _decode_outcome),
    "end": (
        RunFinished,
        lambda e: {"run": e.run, "ending": e.run_status, "counts": dict(e.counts)},
        _decode_run_finished,
    ),
    "repair": (TornLineRemoved, asdict, lambda tree: TornLineRemoved(int(tree["dropped"]))),
    "compacted": (JournalCompacted, asdict, lambda tree: JournalCompacted(int(tree["serial"]))),
}
_EVENT_NAMES = {form[0]: name for name, form in _EVENT_FORMATS.items()}
_encode_json = json.JSONEncoder(separators=(",", ":")).encode


def event_name(event: JournalEvent) -> str:
    """Return the word by which the journal knows the kind of ``event``."""
    return _EVENT_NAMES[type(event)]


def encode_event(event: JournalEvent) -> str:
    """Return ``event`` as a JSON object on one line."""
    return _encode_json({"event": event_name(event), **_EVENT_FORMATS[event_name(event)][1](event)})


def decode_event(tree: JsonTree) -> JournalEvent:
    """Return the event in ``tree``.

    Raises LookupError, TypeError or ValueError; KeyError with the argument "event" for a kind of
    event that this keyturn does not know.
    """
    form = _EVENT_FORMATS.get(tree["event"])
    if form is None:
        message = "event"
        raise KeyError(message)
    return form[2](tree)
