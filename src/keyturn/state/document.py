"""The state of a workspace and its document.

The document is JSON in lines: the first line has the SHA-256 of all following lines, so any damage is
detected. Each entry has a line of its own, so a diff is readable.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError, storage_error
from keyturn.model.resource import EMPTY, StateEntry
from keyturn.state.codec import StoredEntry, from_stored_entry, to_stored_entry
from keyturn.state.events import (
    Intent,
    JournalPosition,
    StoredIntent,
    from_stored_intent,
    to_stored_intent,
)
from keyturn.state.signatures import remove_document_signature

STATE_VERSION = 1
"""The version of the document that this keyturn reads and writes."""

STATE_KEY = "state.json"
"""The key of the document in a store."""

OLD_STATE_KEY = "ledger.json"
"""The key of the document in keyturn 0.1, which called the state a ledger."""

_DIGEST_PREFIX = b'{"digest":"'
_DIGEST_SUFFIX = b'",\n'
_HEADER_LENGTH = len(_DIGEST_PREFIX) + 64 + len(_DIGEST_SUFFIX)


class State(Struct, frozen=True, kw_only=True):
    """The managed resources of a workspace, as last applied.

    ``serial`` counts the documents written. ``position`` is the last journal record that is part of this
    state; ``open_intents`` are the intents up to it without an outcome.
    """

    workspace: str
    organization: str
    version: int = STATE_VERSION
    serial: int = 0
    entries: Mapping[Address, StateEntry] = field(default_factory=lambda: EMPTY)
    position: JournalPosition = field(default_factory=JournalPosition)
    open_intents: tuple[Intent, ...] = ()

    def find_entry(self, address: Address) -> StateEntry | None:
        """Return the entry or tombstone of ``address``, or None."""
        return self.entries.get(address)

    def with_entry(self, *entries: StateEntry) -> Self:
        """Return a copy of the state with these entries added or replaced."""
        return self.with_entries({**self.entries, **{entry.address: entry for entry in entries}})

    def without_entries(self, *addresses: Address) -> Self:
        """Return a copy of the state without the entries of ``addresses``."""
        removed = frozenset(addresses)
        return self.with_entries({key: entry for key, entry in self.entries.items() if key not in removed})

    def with_entries(self, entries: Mapping[Address, StateEntry]) -> Self:
        """Return a copy of the state with exactly these entries."""
        return replace(self, entries=MappingProxyType(dict(entries)))


class _StoredHeader(Struct, frozen=True, kw_only=True):
    version: int
    workspace: str
    organization: str
    serial: int
    journal: JournalPosition
    open: tuple[StoredIntent, ...]


class _StoredState(_StoredHeader, frozen=True, kw_only=True):
    # One decoded entry exists at a time: a list of 10,000 makes the garbage collector twice as slow.
    entries: list[msgspec.Raw]


class _StoredVersion(Struct, frozen=True):
    version: int


def encode_state(state: State) -> bytes:
    """Return the document of ``state``; equal states have equal documents."""
    header = _StoredHeader(
        version=state.version,
        workspace=state.workspace,
        organization=state.organization,
        serial=state.serial,
        journal=state.position,
        open=tuple(map(to_stored_intent, state.open_intents)),
    )
    encode = msgspec.json.Encoder().encode
    lines = b",\n".join(encode(to_stored_entry(state.entries[address])) for address in sorted(state.entries))
    body = encode(header)[1:-1] + b',\n"entries":[\n' + lines + b"\n]}\n"
    return _DIGEST_PREFIX + hashlib.sha256(body).hexdigest().encode() + _DIGEST_SUFFIX + body


def decode_state(data: bytes, where: str, workspace: str, organization: str) -> State:
    """Return the state of a document; ``where`` names the document in diagnostics.

    Raises DiagnosticError: KT600 if the document is damaged, KT601 if it belongs to another workspace or
    organization, KT602 if a newer keyturn wrote it.
    """
    data, _ = remove_document_signature(data)  # A store with a workspace key has verified it.
    _verify_digest(data, where)
    try:
        version = msgspec.json.decode(data, type=_StoredVersion).version
        if version != STATE_VERSION:
            raise _newer_version_error(where, version)
        stored = msgspec.json.decode(data, type=_StoredState)
        if (stored.workspace, stored.organization) != (workspace, organization):
            raise foreign_state_error(
                where, (stored.workspace, stored.organization), (workspace, organization)
            )
        return _from_stored_state(stored)
    except (ValueError, RecursionError) as error:
        raise damaged_state_error(where, f"it does not have the form of a state: {error}") from None


def _verify_digest(data: bytes, where: str) -> None:
    digest = hashlib.sha256(memoryview(data)[_HEADER_LENGTH:]).hexdigest().encode()
    if data[:_HEADER_LENGTH] != _DIGEST_PREFIX + digest + _DIGEST_SUFFIX:
        raise damaged_state_error(where, "its content does not match the digest in its first line")


def _from_stored_state(stored: _StoredState) -> State:
    decode = msgspec.json.Decoder(StoredEntry).decode
    entries = (from_stored_entry(decode(entry)) for entry in stored.entries)
    return State(
        workspace=stored.workspace,
        organization=stored.organization,
        serial=stored.serial,
        position=stored.journal,
        open_intents=tuple(map(from_stored_intent, stored.open)),
        entries=MappingProxyType({entry.address: entry for entry in entries}),
    )


def foreign_state_error(where: str, theirs: tuple[str, str], mine: tuple[str, str]) -> DiagnosticError:
    """Return KT601: the state at ``where`` belongs to another (workspace, organization)."""
    message = f"this state belongs to {' of '.join(theirs)}, not to {' of '.join(mine)}"
    hint = "give each workspace its own `state:` in keyturn.yaml, and check `organization`"
    return storage_error("KT601", where, message, hint)


def damaged_state_error(where: str, message: str) -> DiagnosticError:
    """Return KT600: the content of the state at ``where`` is not what keyturn writes."""
    hint = "restore it from a backup, or move it away: keyturn rebuilds it from the journal"
    return storage_error("KT600", where, f"the state is damaged: {message}", hint)


def _newer_version_error(where: str, version: int) -> DiagnosticError:
    message = f"the state has version {version}; this keyturn reads version {STATE_VERSION}"
    return storage_error("KT602", where, message, "use the version of keyturn that wrote it, or a newer one")
