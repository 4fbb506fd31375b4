"""A list is complete or it failed: following the cursor, and not believing it."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from keyturn.api.strict import Puzzling
from keyturn.core.counting import counted

LIMIT = 500
"""The page size asked for; a service may give less."""

MOST_PAGES = 10_000
USUAL_LIMITS = frozenset({25, 50, 100})
"""Page sizes that the vendor's pages name as defaults or maxima."""

_LONGEST_CURSOR = 4096

Tree = Mapping[str, Any]


class Broken(ValueError):  # noqa: N818
    """A list that is not whole; its text is ours and holds nothing of the answer."""


class Page(Struct, frozen=True, kw_only=True):
    """One page: its objects, and what ``meta`` says of the rest."""

    rows: tuple[Tree, ...]
    meta: Tree = field(default_factory=dict)


class Collected(Struct, frozen=True, kw_only=True):
    """All objects of a list, each once; ``cut`` where the list may end early without saying so."""

    rows: tuple[Tree, ...]
    pages: int
    cut: bool


def collect(fetch: Callable[[str], Page]) -> Collected:
    """Return all rows of a list; ``fetch`` returns the page at a cursor, the first one at "".

    Raises Broken for a cursor that comes twice, for a total larger than the rows, for one id with
    two contents, and after 10,000 pages; Puzzling for a cursor or total that is none.
    """
    kept: dict[str, Tree] = {}
    cursor, seen, total = "", {""}, 0
    for _ in range(MOST_PAGES):
        page = fetch(cursor)
        _keep(kept, page.rows)
        total = max(total, _total(page.meta))
        cursor = _cursor(page.meta)
        if not cursor:
            break
        if cursor in seen:
            message = "the same cursor came twice"
            raise Broken(message)
        seen.add(cursor)
    else:
        message = f"more than {MOST_PAGES} pages"
        raise Broken(message)
    if total > len(kept):
        message = f"{counted(len(kept), 'object')} came where the service counts {total}"
        raise Broken(message)
    return Collected(rows=tuple(kept.values()), pages=len(seen), cut=len(seen) == 1 and _cut(page))


def _keep(kept: dict[str, Tree], rows: tuple[Tree, ...]) -> None:
    for row in rows:
        identity = row.get("id")
        if not isinstance(identity, str | int) or identity == "":
            message = "an object without an id"
            raise Puzzling(message)
        if kept.setdefault(str(identity), row) != row:
            message = "one object came twice with different contents"
            raise Broken(message)


def _cursor(meta: Tree) -> str:
    page = meta.get("page")
    inner = page if isinstance(page, Mapping) else {}
    told = (inner.get("cursor"), meta.get("cursor"), meta.get("next_cursor"), meta.get("nextCursor"))
    found = next((cursor for cursor in told if cursor is not None and cursor != ""), "")
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if isinstance(found, str) and len(found) <= _LONGEST_CURSOR:
        return found
    message = "a cursor that is none"
    raise Puzzling(message)


def _total(meta: Tree) -> int:
    page = meta.get("page")
    inner = page if isinstance(page, Mapping) else {}
    totals = [value for value in (meta.get("total"), inner.get("total")) if value is not None]
    if all(isinstance(value, int) and not isinstance(value, bool) for value in totals):
        return max(totals, default=0)
    message = "a total that is no number"
    raise Puzzling(message)


def _cut(page: Page) -> bool:
    inner = page.meta.get("page")
    told = inner.get("limit") if isinstance(inner, Mapping) else None
    says = "total" in page.meta or (isinstance(inner, Mapping) and ("cursor" in inner or "total" in inner))
    return not says and (len(page.rows) == told or len(page.rows) in {LIMIT, *USUAL_LIMITS})
