"""Complete lists: all pages, in every known form of paging, or an error."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from keyturn.client.classify import build_format_error, parse_response
from keyturn.client.decode import decode_record, decode_rows, decode_single, find_row_text
from keyturn.client.errors import ErrorDetails, IncompleteResponse, NotFound, RequestRejected, ServiceError
from keyturn.client.messages import Request, Response
from keyturn.client.records import ApiRecord, RecordList, UnusableRow
from keyturn.client.sender import RetryingSender
from keyturn.client.strict_json import ResponseFormatError
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity, pluralize

PAGE_SIZE = 500
"""The requested page size; the service may return less."""

MAX_PAGES = 10_000
MAX_OBJECTS = 1_000_000
MAX_REPEATED_PAGES = 3
"""Pages with objects after the last new object: a list that starts again. An overlap has new objects, too."""

MAX_EMPTY_PAGES = 100
"""Empty pages after the last new object: a service may filter the objects of a page by the key's rights."""

COMMON_PAGE_SIZES = frozenset({25, 50, 100})
"""Page sizes that the vendor's documentation names as defaults or maxima."""

MAX_UNUSABLE_ROWS = 20
"""A list with more rows that cannot be decoded has an unknown form."""

_MAX_CURSOR_LENGTH = 4096
_LIMIT_REJECTED_STATUSES = frozenset({400, 422})

_JsonObject = Mapping[str, Any]


class IncompleteListError(ValueError):
    """A list lacks pages or objects, or contradicts itself; the message has no text of the response."""


class ListPage(Struct, frozen=True, kw_only=True):
    """One page of a list: its rows and its paging metadata."""

    rows: tuple[object, ...]
    meta: _JsonObject = field(default_factory=dict)


class CollectedRows(Struct, frozen=True, kw_only=True):
    """All rows of a list, each once; ``may_be_truncated``: one full page without cursor and total."""

    rows: tuple[object, ...]
    pages: int
    may_be_truncated: bool


def read_all_pages(fetch: Callable[[str], ListPage]) -> CollectedRows:
    """Return all rows of a list; ``fetch`` returns the page at a cursor, the first page at ``""``.

    Raises IncompleteListError for a repeated cursor, a total above the number of rows, two versions of an
    object, and a list without an end; ResponseFormatError for an invalid cursor or total.
    """
    row_by_id: dict[str | int, object] = {}
    cursor, cursors, total = "", {""}, 0
    progress = _ListProgress()
    for _ in range(MAX_PAGES):
        page = fetch(cursor)
        _add_rows(row_by_id, page.rows)
        progress.check_page(len(page.rows), len(row_by_id))
        total = max(total, _read_total(page.meta))
        cursor = _read_cursor(page.meta)
        if not cursor:
            break
        if cursor in cursors:
            message = "a repeated cursor"
            raise IncompleteListError(message)
        cursors.add(cursor)
    else:
        message = f"more than {MAX_PAGES:,} pages"
        raise IncompleteListError(message)
    if total > len(row_by_id):
        message = f"{pluralize(len(row_by_id), 'object')} of {total:,} received"
        raise IncompleteListError(message)
    return CollectedRows(
        rows=tuple(row_by_id.values()),
        pages=len(cursors),
        may_be_truncated=len(cursors) == 1 and _may_be_truncated(page),
    )


class _ListProgress:
    """Detects a list without an end; each of its pages may have a new cursor."""

    def __init__(self) -> None:
        self._known = self._repeated = self._empty = 0

    def check_page(self, rows: int, known: int) -> None:
        """Count a page with ``rows`` rows, after which ``known`` objects are known; may raise."""
        if known > self._known:
            self._repeated = self._empty = 0
        elif rows:
            self._repeated += 1
        else:
            self._empty += 1
        self._known = known
        message = ""
        if self._repeated > MAX_REPEATED_PAGES:
            message = f"pages without an end: {self._repeated} had only known objects"
        elif self._empty > MAX_EMPTY_PAGES:
            message = f"pages without an end: {self._empty} were empty"
        elif known > MAX_OBJECTS:
            message = f"more than {MAX_OBJECTS:,} objects"
        if message:
            raise IncompleteListError(message)


def _add_rows(row_by_id: dict[str | int, object], rows: tuple[object, ...]) -> None:
    for row in rows:
        # A row without an ID counts as an object of its own.
        if row_by_id.setdefault(find_row_text(row, "id") or len(row_by_id), row) != row:
            message = "two versions of one object"
            raise IncompleteListError(message)


def _read_cursor(meta: _JsonObject) -> str:
    page = _read_page(meta)
    candidates = (page.get("cursor"), meta.get("cursor"), meta.get("next_cursor"), meta.get("nextCursor"))
    cursor = next((candidate for candidate in candidates if candidate is not None and candidate != ""), "")
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        return str(cursor)
    if isinstance(cursor, str) and len(cursor) <= _MAX_CURSOR_LENGTH:
        return cursor
    message = "an invalid cursor"
    raise ResponseFormatError(message)


def _read_total(meta: _JsonObject) -> int:
    totals = [value for value in (meta.get("total"), _read_page(meta).get("total")) if value is not None]
    if all(isinstance(value, int) and not isinstance(value, bool) for value in totals):
        return max(totals, default=0)
    message = "a total that is not a number"
    raise ResponseFormatError(message)


def _may_be_truncated(list_page: ListPage) -> bool:
    page = _read_page(list_page.meta)
    if "total" in list_page.meta or "cursor" in page or "total" in page:
        return False
    count = len(list_page.rows)
    return count == page.get("limit") or count in {PAGE_SIZE, *COMMON_PAGE_SIZES}


def _read_page(meta: _JsonObject) -> _JsonObject:
    page = meta.get("page")
    return page if isinstance(page, Mapping) else {}


class ListReader:
    """Reads lists; remembers which lists reject a page size and which are bare arrays."""

    def __init__(self, sender: RetryingSender) -> None:
        self._sender = sender
        self._paths_without_limit: set[str] = set()
        self.bare_array_paths: set[str] = set()

    def read_list(self, path: str, *, partial: bool = False) -> RecordList:
        """Return the complete list at ``path`` (``/api/connections``); ``partial`` as in ``decode_record``.

        Reads an incomplete list once more from its start, because concurrent changes shift pages. Raises
        IncompleteResponse, NotFound with code KT516, and the other errors of a read.
        """
        try:
            return _SingleRead(self, path, partial=partial).read_listing()
        except IncompleteResponse:
            return _SingleRead(self, path, partial=partial).read_listing()

    def send_list_request(self, request: Request) -> Response:
        """Return the response to a read of a fixed path; raises NotFound with code KT516 for 404."""
        not_found: NotFound
        try:
            return self._sender.send(request, idempotent=True)
        except NotFound as error:
            not_found = error
        raise NotFound(request, not_found.error_details, diagnostic_code="KT516")

    def request_page(self, path: str, cursor: str) -> tuple[Request, Response]:
        """Return the request and response of one page, with ``PAGE_SIZE`` unless this list rejects it."""
        request = _build_page_request(path, cursor, PAGE_SIZE if path not in self._paths_without_limit else 0)
        try:
            return request, self.send_list_request(request)
        except RequestRejected as error:
            if error.status not in _LIMIT_REJECTED_STATUSES or cursor or path in self._paths_without_limit:
                raise
        self._paths_without_limit.add(path)
        request = _build_page_request(path, cursor, 0)
        return request, self.send_list_request(request)


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
            collected = read_all_pages(self._fetch_page)
            records, unusable_rows = self._decode_rows(collected.rows)
        except ResponseFormatError as format_error:
            error = build_format_error(self._request, self._response, str(format_error))
        except IncompleteListError as incomplete:
            details = ErrorDetails(status=self._response.status, reason=str(incomplete))
            error = IncompleteResponse(self._request, details)
        if error:
            raise error
        return RecordList(
            records=records,
            unusable_rows=unusable_rows,
            server_date=self._server_date,
            warnings=(*self._truncation_warnings(collected), *map(self._warn_unusable, unusable_rows)),
            pages=collected.pages,
        )

    def _decode_rows(self, rows: tuple[object, ...]) -> tuple[tuple[ApiRecord, ...], tuple[UnusableRow, ...]]:
        decoded = tuple(self._decode_row(number, row) for number, row in enumerate(rows, 1))
        unusable = tuple(row for row in decoded if isinstance(row, UnusableRow))
        if len(unusable) > MAX_UNUSABLE_ROWS:
            message = f"{pluralize(len(unusable), 'unusable row')}; {unusable[0]}"
            raise ResponseFormatError(message)
        return tuple(row for row in decoded if isinstance(row, ApiRecord)), unusable

    def _decode_row(self, number: int, row: object) -> ApiRecord | UnusableRow:
        try:
            return decode_record(decode_single(row), partial=self._partial)
        except ResponseFormatError as error:
            problem = str(error)
        name = find_row_text(row, "name")
        return UnusableRow(collection=self._collection, number=number, problem=problem, name=name)

    def _warn_unusable(self, row: UnusableRow) -> Diagnostic:
        return Diagnostic(
            code="KT519",
            severity=Severity.WARNING,
            message=f"{row}; it is left out",
            origin=SourceLocation(self._request.request_line),
            hint="find this object in Planasonix, and correct or delete it there",
        )

    @property
    def _collection(self) -> str:
        return self._path.rpartition("/")[2]

    def _fetch_page(self, cursor: str) -> ListPage:
        rejection = ""
        try:
            self._request, self._response = self._list_reader.request_page(self._path, cursor)
        except RequestRejected as error:
            if not cursor or error.status in {401, 403}:
                raise
            rejection = f"the service rejected a later page with {error.status}"
        if rejection:
            raise IncompleteListError(rejection)
        tree = parse_response(self._request, self._response)
        if not cursor:
            self._server_date = self._response.date
            if isinstance(tree, list):
                self._list_reader.bare_array_paths.add(self._path)
        rows, meta = decode_rows(tree, self._collection)
        return ListPage(rows=rows, meta=meta)

    def _truncation_warnings(self, collected: CollectedRows) -> tuple[Diagnostic, ...]:
        if not collected.may_be_truncated:
            return ()
        count = pluralize(len(collected.rows), "object")
        message = f"exactly one full page of {count} received, without a cursor or a total"
        hint = "compare the number with the one that Planasonix shows"
        origin = SourceLocation(self._request.request_line)
        return (
            Diagnostic(code="KT515", severity=Severity.WARNING, message=message, origin=origin, hint=hint),
        )


def _build_page_request(path: str, cursor: str, limit: int) -> Request:
    query: Mapping[str, str] = {"limit": str(limit) if limit else "", "cursor": cursor}
    pairs = tuple((name, value) for name, value in query.items() if value)
    return Request(method="GET", path=path, path_template=path, operation="list", query=pairs)
