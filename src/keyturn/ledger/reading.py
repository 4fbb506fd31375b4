"""The ledger as it stands: the document, and what the journal has seen since."""

from collections.abc import Iterable, Iterator
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.diagnostic import Diagnostic, Faulty
from keyturn.ledger.document import KEY, Ledger, foreign, from_json, to_json
from keyturn.ledger.event import Compacted, Position, RunStarted
from keyturn.ledger.faults import fault, finding
from keyturn.ledger.journal import Journal
from keyturn.ledger.medium import ABSENT, Moved, Store
from keyturn.ledger.record import Record, Unreadable, follows, parse
from keyturn.ledger.replay import Fold


class Reading(Struct, frozen=True, kw_only=True):
    """What ``read_ledger`` found.

    ``ledger`` has the journal folded in; ``etag`` is the document's; ``torn`` counts the bytes of
    a torn last line; ``findings`` are warnings (KT623 an older document came back, KT624 the
    journal, or its beginning, is gone).
    """

    ledger: Ledger
    etag: str = ABSENT
    torn: int = 0
    findings: tuple[Diagnostic, ...] = ()


def read_ledger(store: Store, workspace: str, organization: str) -> Reading:
    """Return the ledger as it stands; an empty one where there is none.

    Raises Faulty: what ``from_json`` raises, KT602 for a record of a newer keyturn, KT620 where
    the journal was changed, KT622 where it is not the one that the document knows.
    """
    while True:
        blob = store.read(KEY)
        base = Ledger(workspace=workspace, organization=organization)
        if blob:
            base = from_json(blob.data, f"{store.place}/{KEY}", workspace, organization)
        reading = _Reader(store, base).read(blob.etag if blob else ABSENT)
        # A run that ended while we read has left a newer document: that one is read then.
        if reading.ledger.serial == base.serial or _etag(store) == reading.etag:
            return reading


def _etag(store: Store) -> str:
    blob = store.read(KEY)
    return blob.etag if blob else ABSENT


class _Reader:
    def __init__(self, store: Store, base: Ledger) -> None:
        self._base, self._place, self._tape = base, store.place, store.tape()
        self._last = base.position
        self._newest = base.serial
        self._torn = 0
        self._gone = False

    def read(self, etag: str) -> Reading:
        fold = Fold(self._base)
        for record in self._tail():
            self._check(record)
            fold.take(record.event)
            self._last = record.position
        ledger = replace(fold.ledger(self._last), serial=self._newest)
        return Reading(ledger=ledger, etag=etag, torn=self._torn, findings=tuple(self._findings()))

    def _tail(self) -> Iterator[Record]:
        start = self._base.position
        if start.seq == 0:
            return self._from_the_beginning()
        records = self._records(start.mark)
        return records if _reaches(records, start) else self._from_elsewhere(start)

    def _from_the_beginning(self) -> Iterator[Record]:
        records = self._records(0)
        first = next(records, None)
        if first is None:
            return records
        if first.seq > 1:
            self._gone = True
            self._last = Position(first.seq - 1, first.prev)
        return chain((first,), records)

    def _from_elsewhere(self, start: Position) -> Iterator[Record]:
        # The file was moved away or put together anew: marks no longer hold, numbers and hashes do.
        records = self._records(0)
        first = next(records, None)
        if first is None:
            self._gone = True
            self._last = replace(start, mark=0)
            return records
        if follows(first, start):
            return chain((first,), records)
        if not _reaches(chain((first,), records), start):
            raise _other_history(self._place)
        return records

    def _records(self, mark: int) -> Iterator[Record]:
        for line in self._tape.read(mark):
            if not line.data.endswith(b"\n"):
                self._torn = len(line.data)
                return
            yield parse(line)

    def _check(self, record: Record) -> None:
        event = record.event
        if not follows(record, self._last) or event == Unreadable():
            raise _changed(self._place, self._last.seq + 1)
        if isinstance(event, Unreadable):
            raise _newer(self._place, record.seq)
        if isinstance(event, RunStarted):
            theirs = (event.workspace, event.organization)
            mine = (self._base.workspace, self._base.organization)
            if theirs != mine:
                raise foreign(self._place, theirs, mine)
        if isinstance(event, Compacted):
            self._newest = max(self._newest, event.serial)

    def _findings(self) -> Iterator[Diagnostic]:
        if self._newest > self._base.serial:
            yield _older(self._place, self._base.serial, self._newest)
        if self._gone:
            yield _beginning_gone(self._place)


def _reaches(records: Iterable[Record], start: Position) -> bool:
    for record in records:
        if record.seq >= start.seq:
            return record.position.seq == start.seq and record.hash == record.stated == start.hash
    return False


def compact(store: Store, reading: Reading, journal: Journal) -> Reading:
    """Write the document with everything that ``journal`` holds; once, at the end of a run.

    Raises Faulty KT606 where the document was written by somebody else meanwhile; the journal has
    everything then, and nothing is lost.
    """
    ledger = replace(journal.ledger(), serial=reading.ledger.serial + 1)
    try:
        etag = store.put(KEY, to_json(ledger), reading.etag)
    except Moved:
        raise _moved(store) from None
    journal.append(Compacted(ledger.serial))
    return Reading(ledger=ledger, etag=etag)


def _moved(store: Store) -> Faulty:
    hint = "run `keyturn plan` to see where things stand: nothing is lost, the journal has it"
    return fault("KT606", f"{store.place}/{KEY}", "somebody else has written the ledger meanwhile", hint)


def _changed(place: str, seq: int) -> Faulty:
    hint = "see `keyturn log --verify` for the place; put an untouched copy back, or move the journal away"
    return fault("KT620", place, f"the journal was changed or damaged at record {seq}", hint)


def _newer(place: str, seq: int) -> Faulty:
    hint = "use the keyturn that wrote it, or a newer one"
    return fault("KT602", place, f"record {seq} of the journal is of a kind that is not known here", hint)


def _other_history(place: str) -> Faulty:
    message = "the journal does not hold the record that the ledger goes up to: it is older, or another one"
    hint = "put the right journal back; or move it away, and the ledger goes on with a new one"
    return fault("KT622", place, message, hint)


def _older(place: str, serial: int, newest: int) -> Diagnostic:
    message = f"the ledger is document {serial}, the journal knows of {newest}: an older copy came back"
    return finding("KT623", place, message, "nothing to do: it was brought up to date from the journal")


def _beginning_gone(place: str) -> Diagnostic:
    message = "the journal, or its beginning, is gone: what was under way then is not known"
    return finding("KT624", place, message, "put it back if you have it; review the plan closely")
