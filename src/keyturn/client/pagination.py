"""Reading whole lists: every page, in whichever form, or an error."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from keyturn.client.classify import invalid_response, parse_response
from keyturn.client.decode import decode_record, decode_rows
from keyturn.client.errors import ErrorDetails, IncompleteResponse, NotFound, RequestRejected, ServiceError
from keyturn.client.messages import Request, Response
from keyturn.client.records import RecordList
from keyturn.client.sender import RetryingSender
from keyturn.client.strict_json import ResponseFormatError
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity, pluralize_or_none

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
    return CollectedRows(
        rows=tuple(kept.values()),
        pages=len(seen),
        may_be_truncated=len(seen) == 1 and _may_be_truncated(page),
    )


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


_LIMIT_REJECTED_STATUSES = frozenset({400, 422})


class ListReader:
    """Reads lists through ``attempts``; remembers which lists do not take a page size, or are bare arrays."""

    def __init__(self, sender: RetryingSender) -> None:
        self._sender = sender
        self._paths_without_limit: set[str] = set()
        self.bare_array_paths: set[str] = set()

    def read_list(self, path: str, *, partial: bool = False) -> RecordList:
        """Return the whole list at ``path`` (``/api/connections``); ``partial`` as in ``dialect.record``.

        A list that is not complete is read once more from its start, for objects that come and go
        meanwhile shift pages. Raises Incomplete, Malformed, Absent with a hint about the address,
        and whatever else a read may raise.
        """
        try:
            return _SingleRead(self, path, partial=partial).read_listing()
        except IncompleteResponse:
            return _SingleRead(self, path, partial=partial).read_listing()

    def send_list_request(self, request: Request) -> Response:
        """Return the answer to one page; 404 becomes the finding that there is no API here."""
        absent: NotFound | None = None
        try:
            return self._sender.send(request, idempotent=True)
        except NotFound as error:
            absent = error
        raise NotFound(request, absent.error_details, diagnostic_code="KT516")

    def request_page(self, path: str, cursor: str) -> tuple[Request, Response]:
        """Return one page, asked for with a large page size unless this list refused that before."""
        call = _build_page_request(path, cursor, PAGE_SIZE if path not in self._paths_without_limit else 0)
        try:
            return call, self.send_list_request(call)
        except RequestRejected as error:
            if error.status not in _LIMIT_REJECTED_STATUSES or cursor or path in self._paths_without_limit:
                raise
        self._paths_without_limit.add(path)
        call = _build_page_request(path, cursor, 0)
        return call, self.send_list_request(call)


class _SingleRead:
    def __init__(self, list_reader: ListReader, path: str, *, partial: bool) -> None:
        self._list_reader = list_reader
        self._path = path
        self._partial = partial
        self._request = _build_page_request(path, "", 0)
        self._response = Response(status=0)
        self._server_date: float | None = None

    def read_listing(self) -> RecordList:
        error: ServiceError | None = None
        try:
            whole = read_all_pages(self._fetch_page)
            records = tuple(decode_record(row, partial=self._partial) for row in whole.rows)
        except ResponseFormatError as puzzling:
            error = invalid_response(self._request, self._response, str(puzzling))
        except IncompleteListError as broken:
            error = IncompleteResponse(
                self._request, ErrorDetails(status=self._response.status, reason=str(broken))
            )
        if error:
            raise error
        return RecordList(
            records=records,
            server_date=self._server_date,
            warnings=self._truncation_warnings(whole),
            pages=whole.pages,
        )

    def _fetch_page(self, cursor: str) -> ListPage:
        expired = ""
        try:
            self._request, self._response = self._list_reader.request_page(self._path, cursor)
        except RequestRejected as error:
            if not cursor or error.status in {401, 403}:
                raise
            expired = f"page after the first was refused with {error.status}"
        if expired:
            raise IncompleteListError(expired)
        tree = parse_response(self._request, self._response)
        if not cursor:
            self._server_date = self._response.date
            if isinstance(tree, list):
                self._list_reader.bare_array_paths.add(self._path)
        found, meta = decode_rows(tree, self._path.rpartition("/")[2])
        return ListPage(rows=found, meta=meta)

    def _truncation_warnings(self, whole: CollectedRows) -> tuple[Diagnostic, ...]:
        if not whole.may_be_truncated:
            return ()
        came = pluralize_or_none(len(whole.rows), "object")
        message = f"{came} came, as many as fit on a page, and no word of whether there are more"
        hint = "compare the number with the one that Planasonix shows"
        origin = SourceLocation(self._request.request_line)
        return (
            Diagnostic(code="KT515", severity=Severity.WARNING, message=message, origin=origin, hint=hint),
        )


def _build_page_request(path: str, cursor: str, limit: int) -> Request:
    query: Mapping[str, str] = {"limit": str(limit) if limit else "", "cursor": cursor}
    pairs = tuple((name, value) for name, value in query.items() if value)
    return Request(method="GET", path=path, path_template=path, operation="list", query=pairs)
