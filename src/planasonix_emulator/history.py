"""What a lagging list still shows: recent changes, to be undone for a reader who is behind."""

from dataclasses import dataclass

from planasonix_emulator.records import Record
from planasonix_emulator.settings import SECOND, Settings

_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class _Change:
    id: str
    before: Record | None
    at: int
    lists: int


class History:
    """Remember the latest changes of one collection while lists lag."""

    def __init__(self) -> None:
        self._changes: list[_Change] = []
        self._lists = 0

    def note(self, identifier: str, before: Record | None, at: int) -> None:
        """Write down what an object was before it changed; None if it did not exist."""
        self._changes.append(_Change(identifier, before, at, self._lists))
        if len(self._changes) > 2 * _KEPT:
            del self._changes[:_KEPT]

    def list_begins(self) -> None:
        """Count one more reading of the list from its first page."""
        self._lists += 1

    def undone(self, rows: tuple[Record, ...], settings: Settings, now: int) -> dict[str, Record]:
        """Return the rows by id as a reader sees them to whom the latest changes are still unknown."""
        seen = {record.id: record for record in rows}
        for change in reversed(self._changes):
            if not self._unseen(change, settings, now):
                continue
            if change.before is None:
                seen.pop(change.id, None)
            else:
                seen[change.id] = change.before
        return dict(sorted(seen.items()))

    def _unseen(self, change: _Change, settings: Settings, now: int) -> bool:
        young = now - change.at < settings.list_lag_seconds * SECOND
        return young or self._lists - change.lists <= settings.list_lag_requests > 0


def lagging(settings: Settings) -> bool:
    """Tell whether lists lag at all."""
    return bool(settings.list_lag_requests or settings.list_lag_seconds)
