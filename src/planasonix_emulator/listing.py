"""Pages of a list: cursors, limits, filters, and the ways in which a list may mislead."""

import base64
import binascii
from dataclasses import dataclass, replace
from http import HTTPStatus

from planasonix_emulator.history import lagging
from planasonix_emulator.messages import Problem, Request, invalid
from planasonix_emulator.records import Record
from planasonix_emulator.store import Query
from planasonix_emulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some records, the cursor to the next ones (None at the end), and how many the list claims to have.

    The total is 0 where nobody asked for it.
    """

    records: tuple[Record, ...]
    limit: int
    cursor: str | None
    total: int


def page(world: World, request: Request, query: Query, *, default_limit: int, counted: bool = False) -> Page:
    """Return the page that a request asks for; a default limit of 0 means the whole list at once."""
    limit = min(request.number("limit", default_limit), world.settings.page_limit) if default_limit else 0
    cursor = request.query.get("cursor", "")
    if cursor and world.settings.paging_trouble == "expired":
        raise Problem(
            HTTPStatus.BAD_REQUEST, "cursor_expired", "The cursor has expired; read the list again."
        )
    after = place_of(cursor)
    if not cursor:
        world.histories[query.collection].list_begins()
    if lagging(world.settings) or world.settings.hidden:
        rows = _as_seen(world, query)
        total, rows = len(rows), tuple(row for row in rows if row.id > after)
        rows = rows[: limit + 1] if limit else rows
    else:
        rows = world.store.page(replace(query, after=after, limit=limit + 1 if limit else -1))
        total = world.store.count(query) if counted else 0
    more = bool(limit) and len(rows) > limit
    records = rows[:limit] if limit else rows
    following = _following(world, query, records, cursor) if more else None
    return Page(
        records=records,
        limit=limit or len(records),
        cursor=following,
        total=total + world.settings.total_excess,
    )


def _as_seen(world: World, query: Query) -> tuple[Record, ...]:
    everything = world.store.page(replace(query, deleted=True, type="", search=""))
    seen = world.histories[query.collection].undone(everything, world.settings, world.clock.now())
    return tuple(record for record in seen.values() if _fits(world, query, record))


def _fits(world: World, query: Query, record: Record) -> bool:
    if not record.active and not query.deleted:
        return False
    if query.type and record.type != query.type:
        return False
    if query.search.casefold() not in record.name.casefold():
        return False
    return not {record.id, record.name} & set(world.settings.hidden)


def _following(world: World, query: Query, records: tuple[Record, ...], cursor: str) -> str:
    trouble = world.settings.paging_trouble
    if trouble == "loop" and cursor:
        return cursor
    last = records[-1].id
    if trouble == "repeat" and len(records) > 1:
        last = records[-2].id
    if trouble == "lost":
        skipped = world.store.page(replace(query, after=last, limit=len(records)))
        last = skipped[-1].id
    return cursor_to(last)


def cursor_to(place: str) -> str:
    """Return the opaque cursor that leads on from a place."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str) -> str:
    """Return the place from which a cursor leads on; raises Problem 400."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid(("cursor", "unknown")) from None
