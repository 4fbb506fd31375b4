"""The state as one value and as one document: what is ours, and up to where the journal is in it.

The document is JSON in lines: the first holds the SHA-256 of all that follow, so that no flipped,
lost or added byte goes unnoticed; then one line per entry, so that a diff can be read.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError, storage_error
from keyturn.model.resource import EMPTY, StateEntry
from keyturn.state.codec import Codec, require_text
from keyturn.state.events import Intent, JournalPosition, decode_intent, encode_intent

STATE_VERSION = 1
"""The version of the document that this keyturn writes; it reads no newer one."""

STATE_KEY = "state.json"
"""Where the document stands in a store."""

_DIGEST_PREFIX = b'{"digest":"'
_DIGEST_SUFFIX = b'",\n'
_DIGEST_END = len(_DIGEST_PREFIX) + 64
_HEADER_LENGTH = _DIGEST_END + len(_DIGEST_SUFFIX)
_decode_json = json.JSONDecoder().raw_decode
_encode_json = json.JSONEncoder(separators=(",", ":")).encode


class State(Struct, frozen=True, kw_only=True):
    """What is known of a workspace.

    ``serial`` counts the documents written. ``position`` is the record of the journal up to which
    everything is in here; ``open`` are the intents up to there of which no end is known.
    """

    workspace: str
    organization: str
    version: int = STATE_VERSION
    serial: int = 0
    entries: Mapping[Address, StateEntry] = field(default_factory=lambda: EMPTY)
    position: JournalPosition = field(default_factory=JournalPosition)
    open_intents: tuple[Intent, ...] = ()

    def find_entry(self, address: Address) -> StateEntry | None:
        """Return the entry of ``address``, a tombstone included, or None."""
        return self.entries.get(address)

    def with_entry(self, *known: StateEntry) -> Self:
        """Return the state with these entries put in; the cost is one copy, however many they are."""
        return self.with_entries({**self.entries, **{entry.address: entry for entry in known}})

    def without_entries(self, *addresses: Address) -> Self:
        """Return the state without the entries of ``addresses``."""
        gone = frozenset(addresses)
        return self.with_entries({key: known for key, known in self.entries.items() if key not in gone})

    def with_entries(self, entries: Mapping[Address, StateEntry]) -> Self:
        """Return the state with exactly these entries."""
        return replace(self, entries=MappingProxyType(dict(entries)))


def encode_state(state: State) -> bytes:
    """Return the document of ``state``; the same state gives the same bytes."""
    head = {
        "version": state.version,
        "workspace": state.workspace,
        "organization": state.organization,
        "serial": state.serial,
        "journal": state.position.to_dict(),
        "open": [encode_intent(intent) for intent in state.open_intents],
    }
    lines = ",\n".join(_encode_entries(state.entries))
    body = f'{_encode_json(head)[1:-1]},\n"entries":[\n{lines}\n]}}\n'.encode()
    return _DIGEST_PREFIX + hashlib.sha256(body).hexdigest().encode() + _DIGEST_SUFFIX + body


def _encode_entries(entries: Mapping[Address, StateEntry]) -> Iterator[str]:
    codec = Codec()
    for address in sorted(entries):
        yield _encode_json(codec.encode_entry(entries[address]))


def decode_state(data: bytes, where: str, workspace: str, organization: str) -> State:
    """Read a document; ``where`` names it in findings.

    Raises Faulty: KT600 where it is damaged, KT601 where it belongs to another workspace or
    organization, KT602 where a newer keyturn wrote it.
    """
    body = _verify_body(data, where)
    try:
        head_text, _, lines = str(body, "utf-8").partition(',\n"entries":[\n')
        head = json.loads("{" + head_text + "}")
        _reject_newer(head["version"], where)
        _reject_foreign(head, where, (workspace, organization))
        return State(
            workspace=workspace,
            organization=organization,
            serial=int(head["serial"]),
            position=JournalPosition.from_dict(head["journal"]),
            open_intents=tuple(map(decode_intent, head["open"])),
            entries=_decode_entries(lines.splitlines()),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise _damaged_error(where, "it holds something that is no state") from None


def _verify_body(data: bytes, where: str) -> memoryview:
    body = memoryview(data)[_HEADER_LENGTH:]
    digest = hashlib.sha256(body).hexdigest().encode()
    if data[:_HEADER_LENGTH] != _DIGEST_PREFIX + digest + _DIGEST_SUFFIX:
        raise _damaged_error(where, "its content does not have the digest that it states")
    return body


def _decode_entries(lines: Iterable[str]) -> Mapping[Address, StateEntry]:
    codec = Codec()
    # One entry at a time: the tree of one is gone before the next is made.
    read = (codec.decode_entry(_decode_json(line)[0]) for line in lines if line.startswith("{"))
    return MappingProxyType({known.address: known for known in read})


def _reject_newer(version: Any, where: str) -> None:
    if version != STATE_VERSION:
        raise _newer_version_error(where, int(version))


def _reject_foreign(head: Mapping[str, Any], where: str, mine: tuple[str, str]) -> None:
    theirs = (require_text(head["workspace"]), require_text(head["organization"]))
    if theirs != mine:
        raise foreign_state_error(where, theirs, mine)


def foreign_state_error(where: str, theirs: tuple[str, str], mine: tuple[str, str]) -> DiagnosticError:
    """Return KT601: what stands at ``where`` belongs to another (workspace, organization)."""
    message = f"this state belongs to {' of '.join(theirs)}, not to {' of '.join(mine)}"
    hint = "give each workspace its own place under `state:` in keyturn.yaml, and check `organization`"
    return storage_error("KT601", where, message, hint)


def _damaged_error(where: str, message: str) -> DiagnosticError:
    hint = "restore it from a backup, or move it away: it is rebuilt from the journal beside it"
    return storage_error("KT600", where, f"the state is damaged: {message}", hint)


def _newer_version_error(where: str, version: int) -> DiagnosticError:
    message = f"the state has version {version}; this keyturn reads version {STATE_VERSION}"
    return storage_error("KT602", where, message, "use the keyturn that wrote it, or a newer one")
