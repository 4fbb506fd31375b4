"""A line of the journal: numbered, stamped, and chained to the line before by its SHA-256."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct

from keyturn.ledger.event import GENESIS, Event, Position, unpack
from keyturn.ledger.medium import Line
from keyturn.ledger.shape import text

_SEAM = b',"hash":"'
_END = b'"}\n'
_TAIL = len(_SEAM) + 64 + len(_END)
_scan = json.JSONDecoder().decode


class Unreadable(Struct, frozen=True):
    """Stands for the event of a line that says nothing this keyturn understands.

    ``name`` is the kind of event where only that is unknown: a newer keyturn wrote it.
    """

    name: str = ""


Said: TypeAlias = Event | Unreadable


class Record(Struct, frozen=True, kw_only=True):
    """A line as it was read; ``hash`` is computed from its bytes, ``stated`` what it says of itself."""

    seq: int
    at: str
    event: Said
    prev: str
    hash: str
    stated: str
    mark: int

    @property
    def position(self) -> Position:
        """The place of this record."""
        return Position(self.seq, self.hash, self.mark)


def compose(after: Position, at: str, packed: str) -> tuple[bytes, str]:
    """Return the line that follows ``after`` and its hash; ``packed`` is the event as JSON."""
    body = f'{{"seq":{after.seq + 1},"at":"{at}",{packed[1:-1]},"prev":"{after.hash}"'.encode()
    digest = hashlib.sha256(body).hexdigest()
    return body + _SEAM + digest.encode() + _END, digest


def parse(line: Line) -> Record:
    """Read a line; whatever is wrong with it shows in ``verify``, never as an exception."""
    digest = hashlib.sha256(line.data[:-_TAIL]).hexdigest()
    try:
        tree = _scan(line.data.decode())
        at, prev, stated = text(tree["at"]), text(tree["prev"]), text(tree["hash"])
        seq = int(tree["seq"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return Record(seq=0, at="", event=Unreadable(), prev="", hash=digest, stated="", mark=line.mark)
    if line.data[-_TAIL:] != _SEAM + stated.encode() + _END:
        stated = ""
    return Record(seq=seq, at=at, event=_event(tree), prev=prev, hash=digest, stated=stated, mark=line.mark)


def _event(tree: dict[str, object]) -> Said:
    try:
        return unpack(tree)
    except KeyError as error:
        return Unreadable(str(tree.get("event", "")) if error.args == ("event",) else "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return Unreadable()


def follows(record: Record, last: Position) -> bool:
    """Tell whether ``record`` is whole and stands right behind ``last``."""
    return record.stated == record.hash and record.seq == last.seq + 1 and record.prev == last.hash


def verify(records: Iterable[Record]) -> int | None:
    """Return the index of the first record that was changed, lost or moved; None where there is none.

    The last record of a journal vouches for itself alone: that nothing was cut off behind it is
    known from the ledger's document, which names the record that it goes up to.
    """
    last: Position | None = None
    for index, record in enumerate(records):
        # A journal that was moved away is continued by a new one, which begins where it ended.
        start = Position(record.seq - 1, record.prev if record.seq > 1 else GENESIS)
        if not follows(record, last or start) or record.event == Unreadable():
            return index
        last = record.position
    return None


def read(lines: Iterable[Line]) -> Iterator[Record]:
    """Yield the records of a tape; a torn last line is left out."""
    return (parse(line) for line in lines if line.data.endswith(b"\n"))
