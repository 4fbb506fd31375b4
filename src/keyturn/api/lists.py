"""Reading whole lists: every page, in whichever form, or an error."""

from collections.abc import Mapping

from keyturn.api.attempts import RetryingSender
from keyturn.api.call import Request, Response
from keyturn.api.dialect import decode_record, decode_rows
from keyturn.api.errors import NotFound, ErrorDetails, IncompleteResponse, RequestRejected, ServiceError
from keyturn.api.judge import invalid_response, parse_response
from keyturn.api.pages import PAGE_SIZE, IncompleteListError, CollectedRows, ListPage, read_all_pages
from keyturn.api.records import RecordList
from keyturn.api.strict import ResponseFormatError
from keyturn.core.address import SourceLocation
from keyturn.core.counting import pluralize_or_none
from keyturn.core.diagnostic import Diagnostic, Severity

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
            error = IncompleteResponse(self._request, ErrorDetails(status=self._response.status, reason=str(broken)))
        if error:
            raise error
        return RecordList(
            records=records, server_date=self._server_date, warnings=self._truncation_warnings(whole), pages=whole.pages
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
