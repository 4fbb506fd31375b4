"""Classification of responses: an error by status and method, or the JSON of the body."""

import re
from collections.abc import Iterator, Mapping, Sequence

from keyturn.client.decode import is_explicit_failure
from keyturn.client.errors import (
    Conflict,
    ErrorDetails,
    InvalidResponse,
    NotFound,
    OutcomeUnknown,
    RequestRejected,
    ServiceError,
    Throttled,
    Unauthorized,
)
from keyturn.client.messages import Request, Response
from keyturn.client.retry import parse_retry_after
from keyturn.client.service_text import rebuild_text
from keyturn.client.strict_json import ResponseFormatError, parse_strict_json

_MAX_DETAILS = 5
_MAX_ERROR_BYTES = 65_536
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")
_NOT_FOUND_STATUSES = frozenset({404, 410})
_TIMEOUT_STATUSES = frozenset({408})
_NOT_TEST_RESULT_STATUSES = frozenset({401, 403, 404, 408, 429})
_REQUEST_ID_PATTERN = re.compile(
    r"(?:req[_-])?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8,40}|[0-9a-hjkmnp-tv-z]{26})",
    re.IGNORECASE | re.ASCII,
)


def filter_request_id(text: str, sent: bytes) -> str:
    """Return a request ID in a common format (UUID, ULID, hex) that is not part of ``sent``, else ``""``."""
    return text if _REQUEST_ID_PATTERN.fullmatch(text) and text.encode() not in sent else ""


def extract_error_text(tree: object, names: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Return the code and the details (``field: issue``) of an error.

    ``names`` are the keys of the request's body; a detail never names another field. Accepted forms:
    ``{error: {code, details: [{field, issue}]}}``, ``{error: "text"}``, ``{code, …}``.
    """
    if not isinstance(tree, Mapping):
        return "", ()
    error = tree.get("error", tree)
    if isinstance(error, str):
        return rebuild_text(error), ()
    if not isinstance(error, Mapping):
        return "", ()
    code = rebuild_text(error.get("code")) or rebuild_text(error.get("type"))
    details = tuple(_extract_details(error.get("details"), names))
    return code or rebuild_text(error.get("message")), details[:_MAX_DETAILS]


def _extract_details(details: object, names: frozenset[str]) -> Iterator[str]:
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        field, issue = detail.get("field"), rebuild_text(detail.get("issue"))
        is_known = isinstance(field, str) and _is_sent_field(field.split("."), names)
        parts = (field if is_known else "", issue)
        text = ": ".join(part for part in parts if isinstance(part, str) and part)
        if text:
            yield text


def _is_sent_field(path: Sequence[str], names: frozenset[str]) -> bool:
    return names.issuperset(path) and len(set(path)) == len(path)


def classify_response(request: Request, response: Response, now: float) -> ServiceError | None:
    """Return the error of a response, None for 2xx; ``now`` (Unix) replaces a missing Date header.

    The class depends on status and method alone, never on the text of the response:

    =========  ===============  ===============
    status     read             write
    =========  ===============  ===============
    401, 403   Unauthorized     Unauthorized
    404, 410   NotFound         NotFound
    408        OutcomeUnknown   OutcomeUnknown
    409        Conflict         Conflict
    429        Throttled        Throttled
    503        Throttled        OutcomeUnknown
    other 4xx  RequestRejected  RequestRejected
    1xx, 3xx   RequestRejected  OutcomeUnknown
    other 5xx  OutcomeUnknown   OutcomeUnknown
    =========  ===============  ===============

    A proxy may send 503 after the service applied a write, and a redirect may follow an applied write. A
    4xx with the explicit result of a connection test is no error.
    """
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004
        return None
    details = _read_error_details(request, response, now)
    if 400 <= status < 500:  # noqa: PLR2004
        return None if _is_failed_test(request, response) else _classify_client_error(request, details)
    if status < 400:  # noqa: PLR2004
        redirect_error = RequestRejected if request.is_read else OutcomeUnknown
        return redirect_error(request, details, diagnostic_code="KT517")
    is_throttled = status == 503 and request.is_read  # noqa: PLR2004
    return Throttled(request, details) if is_throttled else OutcomeUnknown(request, details)


def parse_response(request: Request, response: Response) -> object:
    """Return the JSON of a 2xx response, None for an empty body.

    Raises InvalidResponse if the response to a read is not JSON, OutcomeUnknown for a write.
    """
    if not response.body.strip():
        return None
    reason = ""
    try:
        return parse_strict_json(response.body)
    except ResponseFormatError as error:
        reason = str(error)
    raise build_format_error(request, response, reason)


def build_format_error(request: Request, response: Response, reason: str) -> ServiceError:
    """Return the error for a 2xx response that cannot be decoded."""
    details = ErrorDetails(
        status=response.status, request_id=_find_request_id(request, response), reason=reason
    )
    return InvalidResponse(request, details) if request.is_read else OutcomeUnknown(request, details)


def _is_failed_test(request: Request, response: Response) -> bool:
    # A failed connection test may come as 4xx with an explicit negative result (F10 of the API notes).
    if (
        request.operation != "test"
        or response.status in _NOT_TEST_RESULT_STATUSES
        or len(response.body) > _MAX_ERROR_BYTES
    ):
        return False
    try:
        return is_explicit_failure(parse_strict_json(response.body))
    except ResponseFormatError:
        return False


def _classify_client_error(request: Request, error_details: ErrorDetails) -> ServiceError:
    status = error_details.status
    if status in {401, 403}:
        return Unauthorized(request, error_details)
    if status in _NOT_FOUND_STATUSES:
        return NotFound(request, error_details)
    if status == 409:  # noqa: PLR2004
        return Conflict(request, error_details)
    if status == 429:  # noqa: PLR2004
        return Throttled(request, error_details)
    return (
        OutcomeUnknown(request, error_details)
        if status in _TIMEOUT_STATUSES
        else RequestRejected(request, error_details)
    )


def _read_error_details(request: Request, response: Response, now: float) -> ErrorDetails:
    code, details = _read_error_text(request, response)
    date = now if response.date is None else response.date
    return ErrorDetails(
        status=response.status,
        request_id=_find_request_id(request, response),
        service_code=code,
        details=details,
        reason="redirected" if 300 <= response.status < 400 else "",  # noqa: PLR2004
        retry_after=parse_retry_after(response.headers.get("retry-after", ""), date),
    )


def _read_error_text(request: Request, response: Response) -> tuple[str, tuple[str, ...]]:
    if len(response.body) > _MAX_ERROR_BYTES:
        return "", ()
    try:
        return extract_error_text(parse_strict_json(response.body), _collect_request_keys(request))
    except ResponseFormatError:
        return "", ()


def _collect_request_keys(request: Request) -> frozenset[str]:
    if not request.body:
        return frozenset()
    try:
        return frozenset(_iterate_keys(parse_strict_json(request.body), depth=2))
    except ResponseFormatError:
        return frozenset()


def _iterate_keys(tree: object, depth: int) -> Iterator[str]:
    # Deeper keys, such as those of headers, are texts of the user.
    if isinstance(tree, Mapping) and depth:
        yield from tree
        for branch in tree.values():
            yield from _iterate_keys(branch, depth - 1)


def _find_request_id(request: Request, response: Response) -> str:
    found = next((response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), "")
    return filter_request_id(found, request.body or b"")
