"""The ledger as one value and as one document: what is ours, and up to where the journal is in it.

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

from keyturn.core.address import Address
from keyturn.core.diagnostic import Faulty
from keyturn.core.resource import EMPTY, Known
from keyturn.ledger.entry import Codec
from keyturn.ledger.event import Intent, Position, pack_intent, unpack_intent
from keyturn.ledger.faults import fault
from keyturn.ledger.shape import text

VERSION = 1
"""The version of the document that this keyturn writes; it reads no newer one."""

KEY = "ledger.json"
"""Where the document stands in a store."""

_OPENING = b'{"digest":"'
_CLOSING = b'",\n'
_DIGEST_END = len(_OPENING) + 64
_HEAD = _DIGEST_END + len(_CLOSING)
_scan = json.JSONDecoder().raw_decode
_dumps = json.JSONEncoder(separators=(",", ":")).encode


class Ledger(Struct, frozen=True, kw_only=True):
    """What is known of a workspace.

    ``serial`` counts the documents written. ``position`` is the record of the journal up to which
    everything is in here; ``open`` are the intents up to there of which no end is known.
    """

    workspace: str
    organization: str
    version: int = VERSION
    serial: int = 0
    entries: Mapping[Address, Known] = field(default_factory=lambda: EMPTY)
    position: Position = field(default_factory=Position)
    open: tuple[Intent, ...] = ()

    def find(self, address: Address) -> Known | None:
        """Return the entry of ``address``, a tombstone included, or None."""
        return self.entries.get(address)

    def with_entry(self, *known: Known) -> Self:
        """Return the ledger with these entries put in; the cost is one copy, however many they are."""
        return self.with_entries({**self.entries, **{entry.address: entry for entry in known}})

    def without(self, *addresses: Address) -> Self:
        """Return the ledger without the entries of ``addresses``."""
        gone = frozenset(addresses)
        return self.with_entries({key: known for key, known in self.entries.items() if key not in gone})

    def with_entries(self, entries: Mapping[Address, Known]) -> Self:
        """Return the ledger with exactly these entries."""
        return replace(self, entries=MappingProxyType(dict(entries)))


def to_json(ledger: Ledger) -> bytes:
    """Return the document of ``ledger``; the same ledger gives the same bytes."""
    head = {
        "version": ledger.version,
        "workspace": ledger.workspace,
        "organization": ledger.organization,
        "serial": ledger.serial,
        "journal": ledger.position.tree(),
        "open": [pack_intent(intent) for intent in ledger.open],
    }
    lines = ",\n".join(_entry_lines(ledger.entries))
    body = f'{_dumps(head)[1:-1]},\n"entries":[\n{lines}\n]}}\n'.encode()
    return _OPENING + hashlib.sha256(body).hexdigest().encode() + _CLOSING + body


def _entry_lines(entries: Mapping[Address, Known]) -> Iterator[str]:
    codec = Codec()
    for address in sorted(entries):
        yield _dumps(codec.encode(entries[address]))


def from_json(data: bytes, where: str, workspace: str, organization: str) -> Ledger:
    """Read a document; ``where`` names it in findings.

    Raises Faulty: KT600 where it is damaged, KT601 where it belongs to another workspace or
    organization, KT602 where a newer keyturn wrote it.
    """
    body = _checked_body(data, where)
    try:
        head_text, _, lines = str(body, "utf-8").partition(',\n"entries":[\n')
        head = json.loads("{" + head_text + "}")
        _refuse_newer(head["version"], where)
        _refuse_foreign(head, where, (workspace, organization))
        return Ledger(
            workspace=workspace,
            organization=organization,
            serial=int(head["serial"]),
            position=Position.parse(head["journal"]),
            open=tuple(map(unpack_intent, head["open"])),
            entries=_entries(lines.splitlines()),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise _damaged(where, "it holds something that is no ledger") from None


def _checked_body(data: bytes, where: str) -> memoryview:
    body = memoryview(data)[_HEAD:]
    digest = hashlib.sha256(body).hexdigest().encode()
    if data[:_HEAD] != _OPENING + digest + _CLOSING:
        raise _damaged(where, "its content does not have the digest that it states")
    return body


def _entries(lines: Iterable[str]) -> Mapping[Address, Known]:
    codec = Codec()
    # One entry at a time: the tree of one is gone before the next is made.
    read = (codec.decode(_scan(line)[0]) for line in lines if line.startswith("{"))
    return MappingProxyType({known.address: known for known in read})


def _refuse_newer(version: Any, where: str) -> None:
    if version != VERSION:
        raise _newer(where, int(version))


def _refuse_foreign(head: Mapping[str, Any], where: str, mine: tuple[str, str]) -> None:
    theirs = (text(head["workspace"]), text(head["organization"]))
    if theirs != mine:
        raise foreign(where, theirs, mine)


def foreign(where: str, theirs: tuple[str, str], mine: tuple[str, str]) -> Faulty:
    """Return KT601: what stands at ``where`` belongs to another (workspace, organization)."""
    message = f"this ledger belongs to {' of '.join(theirs)}, not to {' of '.join(mine)}"
    hint = "give each workspace its own place under `ledger:` in keyturn.yaml, and check `organization`"
    return fault("KT601", where, message, hint)


def _damaged(where: str, message: str) -> Faulty:
    hint = "restore it from a backup, or move it away: it is rebuilt from the journal beside it"
    return fault("KT600", where, f"the ledger is damaged: {message}", hint)


def _newer(where: str, version: int) -> Faulty:
    message = f"the ledger has version {version}; this keyturn reads version {VERSION}"
    return fault("KT602", where, message, "use the keyturn that wrote it, or a newer one")
