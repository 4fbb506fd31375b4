"""A list is complete or it failed: following the cursor, and not believing it."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from keyturn.api.strict import ResponseFormatError
from keyturn.core.counting import pluralize_or_none

PAGE_SIZE = 500
"""The page size asked for; a service may give less."""

MAX_PAGES = 10_000
COMMON_PAGE_SIZES = frozenset({25, 50, 100})
"""Page sizes that the vendor's pages name as defaults or maxima."""

_MAX_CURSOR_LENGTH = 4096

_JsonObject = Mapping[str, Any]


class IncompleteListError(ValueError):  # noqa: N818
    """A list that is not whole; its text is ours and holds nothing of the answer."""


class ListPage(Struct, frozen=True, kw_only=True):
    """One page: its objects, and what ``meta`` says of the rest."""

    rows: tuple[_JsonObject, ...]
    meta: _JsonObject = field(default_factory=dict)


class CollectedRows(Struct, frozen=True, kw_only=True):
    """All objects of a list, each once; ``cut`` where the list may end early without saying so."""

    rows: tuple[_JsonObject, ...]
    pages: int
    may_be_truncated: bool


def read_all_pages(fetch: Callable[[str], ListPage]) -> CollectedRows:
    """Return all rows of a list; ``fetch`` returns the page at a cursor, the first one at "".

    Raises Broken for a cursor that comes twice, for a total larger than the rows, for one id with
    two contents, and after 10,000 pages; Puzzling for a cursor or total that is none.
    """
    kept: dict[str, _JsonObject] = {}
    cursor, seen, total = "", {""}, 0
    for _ in range(MAX_PAGES):
        page = fetch(cursor)
        _add_rows(kept, page.rows)
        total = max(total, _read_total(page.meta))
        cursor = _read_cursor(page.meta)
        if not cursor:
            break
        if cursor in seen:
            message = "the same cursor came twice"
            raise IncompleteListError(message)
        seen.add(cursor)
    else:
        message = f"more than {MAX_PAGES} pages"
        raise IncompleteListError(message)
    if total > len(kept):
        message = f"{pluralize_or_none(len(kept), 'object')} came where the service counts {total}"
        raise IncompleteListError(message)
    return CollectedRows(rows=tuple(kept.values()), pages=len(seen), may_be_truncated=len(seen) == 1 and _may_be_truncated(page))


def _add_rows(kept: dict[str, _JsonObject], rows: tuple[_JsonObject, ...]) -> None:
    for row in rows:
        identity = row.get("id")
        if not isinstance(identity, str | int) or identity == "":
            message = "an object without an id"
            raise ResponseFormatError(message)
        if kept.setdefault(str(identity), row) != row:
            message = "one object came twice with different contents"
            raise IncompleteListError(message)


def _read_cursor(meta: _JsonObject) -> str:
    page = meta.get("page")
    inner = page if isinstance(page, Mapping) else {}
    told = (inner.get("cursor"), meta.get("cursor"), meta.get("next_cursor"), meta.get("nextCursor"))
    found = next((cursor for cursor in told if cursor is not None and cursor != ""), "")
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if isinstance(found, str) and len(found) <= _MAX_CURSOR_LENGTH:
        return found
    message = "a cursor that is none"
    raise ResponseFormatError(message)


def _read_total(meta: _JsonObject) -> int:
    page = meta.get("page")
    inner = page if isinstance(page, Mapping) else {}
    totals = [value for value in (meta.get("total"), inner.get("total")) if value is not None]
    if all(isinstance(value, int) and not isinstance(value, bool) for value in totals):
        return max(totals, default=0)
    message = "a total that is no number"
    raise ResponseFormatError(message)


def _may_be_truncated(page: ListPage) -> bool:
    inner = page.meta.get("page")
    told = inner.get("limit") if isinstance(inner, Mapping) else None
    says = "total" in page.meta or (isinstance(inner, Mapping) and ("cursor" in inner or "total" in inner))
    return not says and (len(page.rows) == told or len(page.rows) in {PAGE_SIZE, *COMMON_PAGE_SIZES})
