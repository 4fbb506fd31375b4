"""List lag: which recent changes a lagging list does not show yet."""

from dataclasses import dataclass

from planasonix_emulator.settings import SECOND, EmulatorSettings
from planasonix_emulator.storage.records import StoredRecord

_KEPT_CHANGES = 5_000


@dataclass(frozen=True, slots=True)
class _RecordChange:
    id: str
    before: StoredRecord | None
    at: int
    lists: int


class ChangeHistory:
    """The latest changes of one collection."""

    def __init__(self) -> None:
        self._changes: list[_RecordChange] = []
        self._lists = 0

    def record_change(self, identifier: str, before: StoredRecord | None, at: int) -> None:
        """Record the object's state before a change; None if the object did not exist."""
        self._changes.append(_RecordChange(identifier, before, at, self._lists))
        if len(self._changes) > 2 * _KEPT_CHANGES:
            del self._changes[:_KEPT_CHANGES]

    def begin_list(self) -> None:
        """Count one more list request for a first page."""
        self._lists += 1

    def undo_recent(
        self, rows: tuple[StoredRecord, ...], settings: EmulatorSettings, now: int
    ) -> dict[str, StoredRecord]:
        """Return the rows by id without the changes that a lagging list does not show yet."""
        visible = {record.id: record for record in rows}
        for change in reversed(self._changes):
            if not self._is_hidden(change, settings, now):
                continue
            if change.before is None:
                visible.pop(change.id, None)
            else:
                visible[change.id] = change.before
        return dict(sorted(visible.items()))

    def find_earlier(self, record: StoredRecord, since: int) -> StoredRecord | None:
        """Return the object before its changes after `since`; None if it did not exist."""
        changes = (each for each in self._changes if each.id == record.id and each.at > since)
        first = next(changes, None)
        return record if first is None else first.before

    def _is_hidden(self, change: _RecordChange, settings: EmulatorSettings, now: int) -> bool:
        recent = now - change.at < settings.list_lag_seconds * SECOND
        return recent or self._lists - change.lists <= settings.list_lag_requests > 0


def has_list_lag(settings: EmulatorSettings) -> bool:
    """Return whether lists lag."""
    return bool(settings.list_lag_requests or settings.list_lag_seconds)
