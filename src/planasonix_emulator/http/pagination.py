"""Pagination: cursors, page sizes, and the paging errors of the settings."""

import base64
import binascii
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Protocol

from planasonix_emulator.http.messages import ApiError, ApiRequest, invalid_request
from planasonix_emulator.settings import EmulatorSettings
from planasonix_emulator.storage.records import StoredRecord
from planasonix_emulator.storage.store import RecordQuery

_TURN_MARK = "turn "


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """Records, the cursor to the next page (None on the last), and the total that the list reports.

    The total is 0 unless the endpoint counts.
    """

    records: tuple[StoredRecord, ...]
    limit: int
    cursor: str | None
    total: int


class RecordSource(Protocol):
    """What a page is read from."""

    settings: EmulatorSettings

    def begin_list(self, collection: str) -> None:
        """Note that a list is read from its first page."""

    def select_visible(self, query: RecordQuery) -> tuple[StoredRecord, ...]:
        """Return the records of a query, with its `after` and `limit`."""

    def count_visible(self, query: RecordQuery) -> int:
        """Return the number of records of a query, without its `after` and `limit`."""


def read_page(
    source: RecordSource,
    request: ApiRequest,
    query: RecordQuery,
    *,
    default_limit: int,
    counted: bool = False,
) -> RecordPage:
    """Return the requested page; a default limit of 0 returns the whole list."""
    settings = source.settings
    limit = min(request.positive_number("limit", default_limit), settings.page_limit) if default_limit else 0
    cursor = request.query.get("cursor", "")
    if cursor and settings.paging_trouble == "expired":
        message = "The cursor has expired; read the list again."
        raise ApiError(HTTPStatus.BAD_REQUEST, "cursor_expired", message)
    after, turn = _split_position(decode_cursor(cursor))
    if not cursor:
        source.begin_list(query.collection)
    rows = source.select_visible(replace(query, after=after, limit=limit + 1 if limit else -1))
    has_more = 0 < limit < len(rows)
    records = rows[:limit] if limit else rows
    next_cursor = _next_cursor(source, query, records, cursor) if has_more else None
    if limit and settings.paging_trouble in ("endless", "empty"):
        next_cursor = encode_cursor(f"{_TURN_MARK}{turn + 1}")
        records = () if turn and settings.paging_trouble == "empty" else records
    return RecordPage(
        records=records,
        limit=limit or len(records),
        cursor=next_cursor,
        total=settings.total_excess + (source.count_visible(query) if counted else 0),
    )


def encode_cursor(position: str) -> str:
    """Return the opaque cursor for a position."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Return the position of a cursor; raises ApiError 400."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_request(("cursor", "unknown")) from None


def _split_position(position: str) -> tuple[str, int]:
    # A list without an end starts again at each turn.
    if position.startswith(_TURN_MARK):
        return "", int(position.removeprefix(_TURN_MARK))
    return position, 0


def _next_cursor(
    source: RecordSource, query: RecordQuery, records: tuple[StoredRecord, ...], cursor: str
) -> str:
    fault = source.settings.paging_trouble
    if fault == "loop" and cursor:
        return cursor
    last = records[-1].id
    if fault == "repeat" and len(records) > 1:
        last = records[-2].id
    if fault == "lost":
        skipped = source.select_visible(replace(query, after=last, limit=len(records)))
        last = skipped[-1].id
    return encode_cursor(last)
