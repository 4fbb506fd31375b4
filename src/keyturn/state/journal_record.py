"""A line of the journal: numbered, stamped, and chained to the line before by its SHA-256."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct

from keyturn.state.codec import require_text
from keyturn.state.events import GENESIS_HASH, JournalEvent, JournalPosition, decode_event
from keyturn.state.stores.base import LogLine

_HASH_PREFIX = b',"hash":"'
_RECORD_END = b'"}\n'
_HASH_TAIL_LENGTH = len(_HASH_PREFIX) + 64 + len(_RECORD_END)
_decode_json = json.JSONDecoder().decode


class UnreadableEvent(Struct, frozen=True):
    """Stands for the event of a line that says nothing this keyturn understands.

    ``name`` is the kind of event where only that is unknown: a newer keyturn wrote it.
    """

    name: str = ""


RecordedEvent: TypeAlias = JournalEvent | UnreadableEvent


class JournalRecord(Struct, frozen=True, kw_only=True):
    """A line as it was read; ``hash`` is computed from its bytes, ``stated`` what it says of itself."""

    seq: int
    at: str
    event: RecordedEvent
    prev: str
    hash: str
    stated_hash: str
    mark: int

    @property
    def position(self) -> JournalPosition:
        """The place of this record."""
        return JournalPosition(self.seq, self.hash, self.mark)


def encode_journal_record(after: JournalPosition, at: str, packed: str) -> tuple[bytes, str]:
    """Return the line that follows ``after`` and its hash; ``packed`` is the event as JSON."""
    body = f'{{"seq":{after.seq + 1},"at":"{at}",{packed[1:-1]},"prev":"{after.hash}"'.encode()
    digest = hashlib.sha256(body).hexdigest()
    return body + _HASH_PREFIX + digest.encode() + _RECORD_END, digest


def decode_journal_record(line: LogLine) -> JournalRecord:
    """Read a line; whatever is wrong with it shows in ``verify``, never as an exception."""
    digest = hashlib.sha256(line.data[:-_HASH_TAIL_LENGTH]).hexdigest()
    try:
        tree = _decode_json(line.data.decode())
        at, prev, stated = require_text(tree["at"]), require_text(tree["prev"]), require_text(tree["hash"])
        seq = int(tree["seq"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return JournalRecord(
            seq=0, at="", event=UnreadableEvent(), prev="", hash=digest, stated_hash="", mark=line.mark
        )
    if line.data[-_HASH_TAIL_LENGTH:] != _HASH_PREFIX + stated.encode() + _RECORD_END:
        stated = ""
    return JournalRecord(
        seq=seq,
        at=at,
        event=_decode_recorded_event(tree),
        prev=prev,
        hash=digest,
        stated_hash=stated,
        mark=line.mark,
    )


def _decode_recorded_event(tree: dict[str, object]) -> RecordedEvent:
    try:
        return decode_event(tree)
    except KeyError as error:
        return UnreadableEvent(str(tree.get("event", "")) if error.args == ("event",) else "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return UnreadableEvent()


def is_next(record: JournalRecord, last: JournalPosition) -> bool:
    """Tell whether ``record`` is whole and stands right behind ``last``."""
    return record.stated_hash == record.hash and record.seq == last.seq + 1 and record.prev == last.hash


def verify_chain(records: Iterable[JournalRecord]) -> int | None:
    """Return the index of the first record that was changed, lost or moved; None where there is none.

    The last record of a journal vouches for itself alone: that nothing was cut off behind it is
    known from the state document, which names the record that it goes up to.
    """
    last: JournalPosition | None = None
    for index, record in enumerate(records):
        # A journal that was moved away is continued by a new one, which begins where it ended.
        start = JournalPosition(record.seq - 1, record.prev if record.seq > 1 else GENESIS_HASH)
        if not is_next(record, last or start) or record.event == UnreadableEvent():
            return index
        last = record.position
    return None


def read_journal_records(lines: Iterable[LogLine]) -> Iterator[JournalRecord]:
    """Yield the records of a tape; a torn last line is left out."""
    return (decode_journal_record(line) for line in lines if line.data.endswith(b"\n"))
