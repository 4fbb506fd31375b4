"""One emulated deployment: settings, clock, keys, targets, stored objects, and all changes to them."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from planasonix_emulator.clock import EmulatorClock, format_timestamp, restyle_timestamp
from planasonix_emulator.http.access import ApiKeys
from planasonix_emulator.http.messages import ApiError, not_found
from planasonix_emulator.settings import SECOND, EmulatorSettings
from planasonix_emulator.storage.list_lag import ChangeHistory, has_list_lag
from planasonix_emulator.storage.records import (
    ACTIVE,
    CONNECTIONS,
    CREDENTIALS,
    DELETED,
    IdGenerator,
    StoredRecord,
)
from planasonix_emulator.storage.secret_log import SecretLog
from planasonix_emulator.storage.secrets import SecretCipher
from planasonix_emulator.storage.store import RecordQuery, RecordStore
from planasonix_emulator.targets.targets import TargetTable

_OBJECT_NOUNS = {CREDENTIALS: "credential", CONNECTIONS: "connection"}


class Deployment:
    """The state that endpoints read and change; for one thread.

    `concurrent_edit` is a change to make within the next write, between its read and its save.
    """

    def __init__(self, settings: EmulatorSettings, store: RecordStore, cipher: SecretCipher) -> None:
        self.settings = settings
        self.store = store
        self.cipher = cipher
        self.clock = EmulatorClock()
        self.keys = ApiKeys()
        self.targets = TargetTable()
        self.secret_log = SecretLog()
        self.ids = IdGenerator()
        self.concurrent_edit: Callable[[], object] | None = None
        self._turns = count(1)
        self.clear_history()

    def clear_history(self) -> None:
        """Delete the history of changes: lists do not lag behind earlier changes."""
        self._histories = {CREDENTIALS: ChangeHistory(), CONNECTIONS: ChangeHistory()}

    def clear(self) -> None:
        """Delete all objects and logs; keys, settings and targets remain."""
        self.store.clear()
        self.secret_log.clear()
        self.clear_history()

    def apply_concurrent_edit(self) -> None:
        """Make the concurrent edit, if there is one, and remove it."""
        if self.concurrent_edit is not None:
            edit, self.concurrent_edit = self.concurrent_edit, None
            edit()

    def format_time(self, moment: int | None) -> str | None:
        """Format a time as responses show it; with `mixed_timestamps` in another form at each call."""
        text = format_timestamp(moment, self.settings.precision)
        if text is None or moment is None or not self.settings.mixed_timestamps:
            return text
        return restyle_timestamp(text, moment, next(self._turns))

    def shuffle_list(self, items: list[object]) -> list[object]:
        """Return the items in another order at each call."""
        turn = next(self._turns)
        start = turn % max(len(items), 1)
        rotated = items[start:] + items[:start]
        return rotated[::-1] if turn // 2 % 2 else rotated

    def next_write_time(self, previous: StoredRecord | None = None) -> int:
        """Return the time of a write, later than the object's last write at the precision of responses."""
        step = self.settings.timestamp_step
        now = self.clock.now() // step * step
        return now if previous is None else max(now, (previous.updated_at // step + 1) * step)

    def decrypt_secrets(self, record: StoredRecord) -> dict[str, object]:
        """Return the secrets of an object."""
        return self.cipher.decrypt(record.id, record.encrypted)

    def begin_list(self, collection: str) -> None:
        """Note that a list is read from its first page."""
        self._histories[collection].begin_list()

    def select_visible(self, query: RecordQuery) -> tuple[StoredRecord, ...]:
        """Return the records of a query that a list shows: without hidden ones, and with list lag."""
        if not self._has_special_lists():
            return self.store.select_records(query)
        rows = tuple(record for record in self._select_lagging(query) if record.id > query.after)
        return rows[: query.limit] if query.limit >= 0 else rows

    def count_visible(self, query: RecordQuery) -> int:
        """Return the number of records of a query that a list shows."""
        if not self._has_special_lists():
            return self.store.count_records(query)
        return len(self._select_lagging(query))

    def find_object(self, collection: str, organization: str, identifier: str) -> StoredRecord:
        """Return an object of the organization, also a deleted credential; raises ApiError 404."""
        record = self.store.find_record(collection, organization, identifier)
        if record is None or (collection == CONNECTIONS and not record.is_active):
            raise not_found()
        return record

    def select_lagging_version(self, record: StoredRecord) -> StoredRecord:
        """Return the object as a single read shows it with `read_lag_seconds`; raises ApiError 404."""
        lag = int(self.settings.read_lag_seconds * SECOND)
        if not lag:
            return record
        shown = self._histories[record.collection].find_earlier(record, self.clock.now() - lag)
        if shown is None:
            raise not_found()
        return shown

    def require_free_name(self, record: StoredRecord) -> None:
        """Raise ApiError if another object has the name of this one."""
        settings = self.settings
        if not settings.unique_names:
            return
        for other in self.store.list_named(record.collection, record.organization, record.name):
            is_reserved = other.collection == CREDENTIALS and not settings.delete_frees_name
            if other.id != record.id and (other.is_active or is_reserved):
                noun = _OBJECT_NOUNS[record.collection]
                message = f"Another {noun} of this organization has the same name."
                raise ApiError(settings.duplicate_status, "name_taken", message, (("name", "taken"),))

    def record_creation(self, record: StoredRecord) -> None:
        """Add the creation of a stored object to the history."""
        self._histories[record.collection].record_change(record.id, None, self.clock.now())

    def save_record(self, before: StoredRecord | None, after: StoredRecord) -> StoredRecord:
        """Save an object; update the history and the secret log."""
        self.store.save_records(after)
        self._histories[after.collection].record_change(after.id, before, self.clock.now())
        if after.is_active:
            self._record_pairings(after)
        return after

    def trash_record(self, record: StoredRecord) -> StoredRecord:
        """Mark an object as deleted."""
        at = self.next_write_time(record)
        return self.save_record(record, replace(record, status=DELETED, deleted_at=at, updated_at=at))

    def restore_record(self, record: StoredRecord) -> StoredRecord:
        """Make a deleted object active; raises ApiError if another object has its name."""
        self.require_free_name(record)
        at = self.next_write_time(record)
        return self.save_record(record, replace(record, status=ACTIVE, deleted_at=None, updated_at=at))

    def purge_record(self, record: StoredRecord) -> None:
        """Delete an object permanently."""
        self.store.delete_record(record.id)
        self._histories[record.collection].record_change(record.id, record, self.clock.now())

    def _has_special_lists(self) -> bool:
        return has_list_lag(self.settings) or bool(self.settings.hidden)

    def _select_lagging(self, query: RecordQuery) -> tuple[StoredRecord, ...]:
        everything = replace(query, deleted=True, type="", search="", after="", limit=-1)
        rows = self.store.select_records(everything)
        visible = self._histories[query.collection].undo_recent(rows, self.settings, self.clock.now())
        return tuple(record for record in visible.values() if self._matches_query(query, record))

    def _matches_query(self, query: RecordQuery, record: StoredRecord) -> bool:
        if not record.is_active and not query.deleted:
            return False
        if query.type and record.type != query.type:
            return False
        if query.search.casefold() not in record.name.casefold():
            return False
        return not {record.id, record.name} & set(self.settings.hidden)

    def _record_pairings(self, record: StoredRecord) -> None:
        secrets = self.decrypt_secrets(record)
        self.secret_log.record_pairing(secrets, record.id, record.id, record.config)
        if record.collection == CREDENTIALS:
            for user in self.store.list_users(record.id):
                self.secret_log.record_pairing(secrets, record.id, user.id, user.config)
            return
        credential = self.store.find_record(CREDENTIALS, record.organization, record.credential_id or "")
        if credential is not None and credential.is_active:
            credential_secrets = self.decrypt_secrets(credential)
            self.secret_log.record_pairing(credential_secrets, credential.id, record.id, record.config)
