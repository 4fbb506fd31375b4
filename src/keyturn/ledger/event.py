"""What is written into the journal: frozen events, and their form as JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeAlias

from msgspec import Struct, field
from msgspec.structs import asdict, fields

from keyturn.core.address import Address
from keyturn.core.fields import Path
from keyturn.core.outcome import Ending
from keyturn.core.resource import EMPTY, Known
from keyturn.ledger.entry import Codec, Tree
from keyturn.ledger.shape import text, texts

GENESIS = "0" * 64
"""The hash that the first record of a journal follows."""


class Position(Struct, frozen=True):
    """A place in the journal: number and hash of a record, and the tape's mark to read it again."""

    seq: int = 0
    hash: str = GENESIS
    mark: int = 0

    def tree(self) -> Tree:
        """Return the position as JSON."""
        return {"seq": self.seq, "hash": self.hash, "mark": self.mark}

    @classmethod
    def parse(cls, tree: Tree) -> Self:
        """Read what ``tree`` wrote; raises KeyError, TypeError or ValueError."""
        return cls(int(tree["seq"]), text(tree["hash"]), int(tree["mark"]))


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
    op: str
    address: Address
    action: str
    object: str = ""
    expect: str = ""
    precondition: str = ""
    server_date: str = ""
    fingerprints: Mapping[Path, str] = field(default_factory=lambda: EMPTY)
    digest: str = ""


class Finished(Struct, frozen=True, kw_only=True):
    """How an intent ended, and what the ledger holds from now on.

    ``entry`` is put into the ledger, the entries of ``gone`` are taken out first. ``intent`` is
    empty where nothing was sent (adopt, forget). An ending of UNSURE leaves the intent open.
    """

    intent: str
    address: Address
    action: str
    ending: Ending
    entry: Known | None = None
    gone: tuple[Address, ...] = ()
    message: str = ""


class RunEnded(Struct, frozen=True):
    """A run came to its end: its id, how, and how many changes ended in which way."""

    run: str
    ending: str
    counts: Mapping[str, int] = field(default_factory=lambda: EMPTY)


class Repaired(Struct, frozen=True):
    """A torn last line of ``dropped`` bytes, left by a killed or powerless writer, was cut off."""

    dropped: int


class Compacted(Struct, frozen=True):
    """The ledger's document number ``serial`` was written and holds all that stands before this."""

    serial: int


Event: TypeAlias = RunStarted | Intent | Finished | RunEnded | Repaired | Compacted


def pack_intent(intent: Intent) -> Tree:
    """Return ``intent`` as a tree; what is empty is left out."""
    tree: Tree = {"id": intent.id, "op": intent.op, "address": str(intent.address), "action": intent.action}
    tree |= {name: value for name in _INTENT_TEXTS if (value := getattr(intent, name))}
    if intent.fingerprints:
        tree["fingerprints"] = Codec().pack(intent.fingerprints)
    return tree


_INTENT_TEXTS = ("object", "expect", "precondition", "server_date", "digest")


def unpack_intent(tree: Tree) -> Intent:
    """Read what ``pack_intent`` wrote; raises KeyError, TypeError or ValueError."""
    return Intent(
        id=text(tree["id"]),
        op=text(tree["op"]),
        address=Address.parse(text(tree["address"])),
        action=text(tree["action"]),
        fingerprints=Codec().prints(tree.get("fingerprints", {})),
        **{name: text(tree.get(name, "")) for name in _INTENT_TEXTS},
    )


def _pack_finished(event: Finished) -> Tree:
    tree: Tree = {
        "intent": event.intent,
        "address": str(event.address),
        "action": event.action,
        "ending": event.ending.value,
    }
    if event.entry:
        tree["entry"] = Codec().encode(event.entry)
    if event.gone:
        tree["gone"] = [str(address) for address in event.gone]
    if event.message:
        tree["message"] = event.message
    return tree


def _unpack_finished(tree: Tree) -> Finished:
    entry = tree.get("entry")
    return Finished(
        intent=text(tree["intent"]),
        address=Address.parse(text(tree["address"])),
        action=text(tree["action"]),
        ending=Ending(tree["ending"]),
        entry=None if entry is None else Codec().decode(entry),
        gone=tuple(map(Address.parse, texts(tree.get("gone", ())))),
        message=text(tree.get("message", "")),
    )


_STARTED = tuple(each.name for each in fields(RunStarted))


def _unpack_started(tree: Tree) -> RunStarted:
    return RunStarted(**{name: text(tree[name]) for name in _STARTED})


def _unpack_ended(tree: Tree) -> RunEnded:
    counts = {text(name): int(count) for name, count in tree["counts"].items()}
    return RunEnded(text(tree["run"]), text(tree["ending"]), counts)


_Pack: TypeAlias = Callable[[Any], Tree]
_Unpack: TypeAlias = Callable[[Tree], Event]

_FORMS: Mapping[str, tuple[type, _Pack, _Unpack]] = {
    "run": (RunStarted, asdict, _unpack_started),
    "intent": (Intent, pack_intent, unpack_intent),
    "outcome": (Finished, _pack_finished, _unpack_finished),
    "end": (RunEnded, lambda e: {"run": e.run, "ending": e.ending, "counts": dict(e.counts)}, _unpack_ended),
    "repair": (Repaired, asdict, lambda tree: Repaired(int(tree["dropped"]))),
    "compacted": (Compacted, asdict, lambda tree: Compacted(int(tree["serial"]))),
}
_NAMES = {form[0]: name for name, form in _FORMS.items()}
_dumps = json.JSONEncoder(separators=(",", ":")).encode


def name_of(event: Event) -> str:
    """Return the word by which the journal knows the kind of ``event``."""
    return _NAMES[type(event)]


def pack(event: Event) -> str:
    """Return ``event`` as a JSON object on one line."""
    return _dumps({"event": name_of(event), **_FORMS[name_of(event)][1](event)})


def unpack(tree: Tree) -> Event:
    """Return the event in ``tree``.

    Raises LookupError, TypeError or ValueError; KeyError with the argument "event" for a kind of
    event that this keyturn does not know.
    """
    form = _FORMS.get(tree["event"])
    if form is None:
        message = "event"
        raise KeyError(message)
    return form[2](tree)
