"""Records of the journal: JSON lines with a number, a time and the SHA-256 of the line before."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct
from msgspec.json import Decoder

from keyturn.state.events import (
    EVENT_NAMES,
    GENESIS_HASH,
    JournalEvent,
    JournalPosition,
    decode_event,
)
from keyturn.state.signatures import remove_record_signature
from keyturn.state.stores.base import LogLine

_HASH_PREFIX = b',"hash":"'
_RECORD_END = b'"}\n'
_HASH_TAIL_LENGTH = len(_HASH_PREFIX) + 64 + len(_RECORD_END)


class UnreadableEvent(Struct, frozen=True):
    """Replaces an event that cannot be decoded.

    ``name`` is set only if a newer version of keyturn wrote an event of a kind that is unknown here.
    """

    name: str = ""


RecordedEvent: TypeAlias = JournalEvent | UnreadableEvent


class JournalRecord(Struct, frozen=True, kw_only=True):
    """A decoded line; ``hash`` is computed from its bytes, ``stated_hash`` is the one it contains."""

    seq: int
    at: str
    event: RecordedEvent
    prev: str
    hash: str
    stated_hash: str
    mark: int

    @property
    def position(self) -> JournalPosition:
        """The position of this record."""
        return JournalPosition(self.seq, self.hash, self.mark)


class _StoredRecord(Struct, frozen=True):
    seq: int
    at: str
    event: str
    prev: str
    hash: str


_decode_stored_record = Decoder(_StoredRecord).decode


def encode_journal_record(after: JournalPosition, at: str, event: bytes) -> tuple[bytes, str]:
    """Return the line that follows ``after`` and its hash; ``event`` is the event as JSON."""
    values = (after.seq + 1, at.encode(), event[1:-1], after.hash.encode())
    body = b'{"seq":%d,"at":"%b",%b,"prev":"%b"' % values
    digest = hashlib.sha256(body).hexdigest()
    return body + _HASH_PREFIX + digest.encode() + _RECORD_END, digest


def decode_journal_record(line: LogLine) -> JournalRecord:
    """Decode a line; ``verify_chain`` reports what is wrong with it, this function never raises."""
    data, _ = remove_record_signature(line.data)  # A store with a workspace key has verified it.
    digest = hashlib.sha256(data[:-_HASH_TAIL_LENGTH]).hexdigest()
    try:
        stored = _decode_stored_record(data)
    except (ValueError, RecursionError):
        return JournalRecord(
            seq=0, at="", event=UnreadableEvent(), prev="", hash=digest, stated_hash="", mark=line.mark
        )
    is_last_key = data[-_HASH_TAIL_LENGTH:] == _HASH_PREFIX + stored.hash.encode() + _RECORD_END
    return JournalRecord(
        seq=stored.seq,
        at=stored.at,
        event=_decode_recorded_event(stored.event, data),
        prev=stored.prev,
        hash=digest,
        stated_hash=stored.hash if is_last_key else "",
        mark=line.mark,
    )


def _decode_recorded_event(name: str, data: bytes) -> RecordedEvent:
    if name not in EVENT_NAMES:
        return UnreadableEvent(name)
    try:
        return decode_event(data)
    except (ValueError, RecursionError):
        return UnreadableEvent()


def is_next(record: JournalRecord, last: JournalPosition) -> bool:
    """Tell whether the hash of ``record`` is right and ``record`` directly follows ``last``."""
    return record.stated_hash == record.hash and record.seq == last.seq + 1 and record.prev == last.hash


def verify_chain(records: Iterable[JournalRecord]) -> int | None:
    """Return the index of the first record that breaks the chain, or None.

    The chain does not show that records are missing at the end: the state document names its last record.
    """
    last: JournalPosition | None = None
    for index, record in enumerate(records):
        # If a journal file was moved away, the next file continues its numbers and hashes.
        start = JournalPosition(record.seq - 1, record.prev if record.seq > 1 else GENESIS_HASH)
        if not is_next(record, last or start) or record.event == UnreadableEvent():
            return index
        last = record.position
    return None


def read_journal_records(lines: Iterable[LogLine]) -> Iterator[JournalRecord]:
    """Yield the records of a log, without an incomplete last line."""
    return (decode_journal_record(line) for line in lines if line.data.endswith(b"\n"))
