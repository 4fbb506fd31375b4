"""Reads the current state, from the document and the later journal records, and writes the document."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.diagnostic import Diagnostic, DiagnosticError, storage_error, storage_warning
from keyturn.model.resource import StateEntry
from keyturn.state.document import (
    OLD_STATE_KEY,
    STATE_KEY,
    State,
    damaged_state_error,
    decode_state,
    encode_state,
    foreign_state_error,
)
from keyturn.state.events import JournalCompacted, JournalPosition, RunStarted
from keyturn.state.journal import Journal
from keyturn.state.journal_record import JournalRecord, UnreadableEvent, decode_journal_record, is_next
from keyturn.state.replay import Replay
from keyturn.state.stores.base import NO_ETAG, PreconditionFailed, StateStore, StoredObject


class LoadedState(Struct, frozen=True, kw_only=True):
    """The result of ``load_state``.

    ``state`` includes the journal. ``etag`` is that of the document. ``torn`` is the length in bytes of an
    incomplete last line of the journal. ``diagnostics`` are warnings: KT623 if an older document was
    restored, KT624 if the journal or its start is missing.
    """

    state: State
    etag: str = NO_ETAG
    has_old_document: bool = False
    torn: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()


def load_state(store: StateStore, workspace: str, organization: str) -> LoadedState:
    """Return the current state, an empty one if the store has none.

    Raises DiagnosticError: that of ``decode_state``, KT600 if two entries have one ID, KT602 for a record
    of a newer keyturn, KT614 if the
    document of keyturn 0.1 is the newer one, KT620 if the journal was changed, KT622 if the journal does
    not belong to the document.
    """
    while True:
        documents = _StoredDocuments(store)
        base = documents.decode_newest(workspace, organization)
        loaded = replace(
            _StateReader(store, base).read_state(),
            etag=documents.etags[0],
            has_old_document=documents.etags[1] != NO_ETAG,
        )
        # If a run ended meanwhile, it wrote a newer document: read that one.
        if loaded.state.serial == base.serial or _StoredDocuments(store).etags == documents.etags:
            return loaded


def compact_journal(store: StateStore, loaded: LoadedState, journal: Journal) -> LoadedState:
    """Write the document with all records of ``journal``, under the lock, at the end of a run.

    The document of keyturn 0.1 is deleted after the new one exists. Raises DiagnosticError KT606 if another
    run wrote the document; the journal is complete then, so nothing is lost.
    """
    state = replace(journal.current_state(), serial=loaded.state.serial + 1)
    try:
        etag = store.put(STATE_KEY, encode_state(state), loaded.etag)
    except PreconditionFailed:
        raise _concurrent_state_error(store) from None
    if loaded.has_old_document:
        # Without the permission to delete, the old document stays: state.json is newer and takes precedence.
        with suppress(DiagnosticError):
            store.delete(OLD_STATE_KEY)
    journal.append(JournalCompacted(state.serial))
    return LoadedState(state=state, etag=etag)


class _StoredDocuments:
    def __init__(self, store: StateStore) -> None:
        self._location = store.location
        # In this order, a replacement between the two reads is not mistaken for an empty store.
        self._old = store.read(OLD_STATE_KEY)
        self._current = store.read(STATE_KEY)

    @property
    def etags(self) -> tuple[str, str]:
        return _etag_of(self._current), _etag_of(self._old)

    def decode_newest(self, workspace: str, organization: str) -> State:
        found = [
            decode_state(stored.data, f"{self._location}/{key}", workspace, organization)
            for key, stored in ((STATE_KEY, self._current), (OLD_STATE_KEY, self._old))
            if stored
        ]
        if len(found) > 1 and found[1].serial > found[0].serial:
            raise _newer_old_document_error(self._location, found[1].serial, found[0].serial)
        return found[0] if found else State(workspace=workspace, organization=organization)


def _etag_of(stored: StoredObject | None) -> str:
    return stored.etag if stored else NO_ETAG


class _StateReader:
    def __init__(self, store: StateStore, base: State) -> None:
        self._base, self._location, self._log = base, store.location, store.open_log()
        self._last_position = base.position
        self._newest_serial = base.serial
        self._torn = 0
        self._start_missing = False

    def read_state(self) -> LoadedState:
        replay = Replay(self._base)
        for record in self._records_after_base():
            self._check_record(record)
            replay.apply_event(record.event)
            self._last_position = record.position
        state = replace(replay.build_state(self._last_position), serial=self._newest_serial)
        _reject_shared_ids(state, self._location)
        return LoadedState(state=state, torn=self._torn, diagnostics=tuple(self._build_warnings()))

    def _records_after_base(self) -> Iterator[JournalRecord]:
        start = self._base.position
        if start.seq == 0:
            return self._records_from_start()
        records = self._read_records(start.mark)
        return records if _has_position(records, start) else self._records_by_search(start)

    def _records_from_start(self) -> Iterator[JournalRecord]:
        records = self._read_records(0)
        first = next(records, None)
        if first is None:
            return records
        if first.seq > 1:
            self._start_missing = True
            self._last_position = JournalPosition(first.seq - 1, first.prev)
        return chain((first,), records)

    def _records_by_search(self, start: JournalPosition) -> Iterator[JournalRecord]:
        # The journal was moved away or concatenated: its marks are invalid, its numbers and hashes are not.
        records = self._read_records(0)
        first = next(records, None)
        if first is None:
            self._start_missing = True
            self._last_position = replace(start, mark=0)
            return records
        if is_next(first, start):
            return chain((first,), records)
        if not _has_position(chain((first,), records), start):
            raise _wrong_journal_error(self._location)
        return records

    def _read_records(self, mark: int) -> Iterator[JournalRecord]:
        for line in self._log.read(mark):
            if not line.data.endswith(b"\n"):
                self._torn = len(line.data)
                return
            yield decode_journal_record(line)

    def _check_record(self, record: JournalRecord) -> None:
        event = record.event
        if not is_next(record, self._last_position) or event == UnreadableEvent():
            raise _changed_error(self._location, self._last_position.seq + 1)
        if isinstance(event, UnreadableEvent):
            raise _newer_record_error(self._location, record.seq)
        if isinstance(event, RunStarted):
            theirs = (event.workspace, event.organization)
            mine = (self._base.workspace, self._base.organization)
            if theirs != mine:
                raise foreign_state_error(self._location, theirs, mine)
        if isinstance(event, JournalCompacted):
            self._newest_serial = max(self._newest_serial, event.serial)

    def _build_warnings(self) -> Iterator[Diagnostic]:
        if self._newest_serial > self._base.serial:
            yield _older_state_warning(self._location, self._base.serial, self._newest_serial)
        if self._start_missing:
            yield _missing_start_warning(self._location)


def _reject_shared_ids(state: State, location: str) -> None:
    # A tombstone may have the ID of an object that was restored and imported under another name.
    owners: dict[str, StateEntry] = {}
    for entry in state.entries.values():
        other = owners.setdefault(entry.id, entry) if not entry.retired_at else entry
        if other is not entry:
            raise damaged_state_error(
                location, f"{other.address} and {entry.address} have one ID, {entry.id}"
            )


def _has_position(records: Iterable[JournalRecord], start: JournalPosition) -> bool:
    for record in records:
        if record.seq >= start.seq:
            return record.position.seq == start.seq and record.hash == record.stated_hash == start.hash
    return False


def _newer_old_document_error(location: str, old_serial: int, serial: int) -> DiagnosticError:
    message = (
        f"{OLD_STATE_KEY} is document {old_serial} and {STATE_KEY} document {serial}: "
        "keyturn 0.1 wrote the state after this version"
    )
    hint = f"make sure that no keyturn 0.1 runs, then remove {STATE_KEY}: a write replaces {OLD_STATE_KEY}"
    return storage_error("KT614", f"{location}/{OLD_STATE_KEY}", message, hint)


def _concurrent_state_error(store: StateStore) -> DiagnosticError:
    hint = "run `keyturn plan` to see the current state: nothing is lost, the journal is complete"
    return storage_error(
        "KT606", f"{store.location}/{STATE_KEY}", "another run has written the state meanwhile", hint
    )


def _changed_error(location: str, seq: int) -> DiagnosticError:
    hint = "run `keyturn log --verify` to see the record; restore an unchanged copy, or move the journal away"
    return storage_error("KT620", location, f"the journal was changed or damaged at record {seq}", hint)


def _newer_record_error(location: str, seq: int) -> DiagnosticError:
    hint = "use the version of keyturn that wrote it, or a newer one"
    return storage_error("KT602", location, f"record {seq} of the journal has an unknown kind of event", hint)


def _wrong_journal_error(location: str) -> DiagnosticError:
    message = "the journal does not contain the last record of the state: it is older, or another journal"
    hint = "restore the journal of this state; or move it away, and keyturn starts a new one"
    return storage_error("KT622", location, message, hint)


def _older_state_warning(location: str, serial: int, newest: int) -> Diagnostic:
    message = (
        f"the state is document {serial}, the journal names document {newest}: an older copy was restored"
    )
    return storage_warning("KT623", location, message, "nothing to do: keyturn updated it from the journal")


def _missing_start_warning(location: str) -> Diagnostic:
    message = "the journal or its start is missing: requests in progress at that time are unknown"
    return storage_warning("KT624", location, message, "restore it from a backup, or review the plan closely")
