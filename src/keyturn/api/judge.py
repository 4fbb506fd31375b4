"""From an answer to an error, or to the tree it holds."""

from collections.abc import Iterator, Mapping

from keyturn.api.call import Request, Response
from keyturn.api.errors import NotFound, Throttled, Conflict, Unauthorized, ErrorDetails, InvalidResponse, RequestRejected, ServiceError, OutcomeUnknown
from keyturn.api.hearsay import extract_error_text, filter_request_id
from keyturn.api.results import is_explicit_failure
from keyturn.api.retry import parse_retry_after
from keyturn.api.strict import ResponseFormatError, parse_strict_json

_MAX_ERROR_BYTES = 65_536
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")
_NOT_FOUND_STATUSES = frozenset({404, 410})
_TIMEOUT_STATUSES = frozenset({408})
_NOT_TEST_RESULT_STATUSES = frozenset({401, 403, 404, 408, 429})


def classify_response(request: Request, response: Response, now: float) -> ServiceError | None:
    """Return the error that an answer is, None for any 2xx; ``now`` is used where the service tells no date.

    Which class follows from status and method alone, never from the service's words:

    ===========================  =======  ==========
    status                       a read   a write
    ===========================  =======  ==========
    401, 403                     Denied   Denied
    404, 410                     Absent   Absent
    408                          Unsure   Unsure
    409                          Conflict Conflict
    429                          Busy     Busy
    503                          Busy     Unsure
    other 4xx                    Refused  Refused
    1xx, 3xx                     Refused  Unsure
    other 5xx                    Unsure   Unsure
    ===========================  =======  ==========

    A 503 to a write may come from something in front of the service after the service did it; a
    redirect after a write may be its way of saying "done, look there".
    """
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004
        return None
    facts = _read_error_details(request, response, now)
    if 400 <= status < 500:  # noqa: PLR2004
        return None if _is_failed_test(request, response) else _classify_client_error(request, facts)
    if status < 400:  # noqa: PLR2004
        return RequestRejected(request, facts, diagnostic_code="KT517") if request.is_read else OutcomeUnknown(request, facts, diagnostic_code="KT517")
    return Throttled(request, facts) if status == 503 and request.is_read else OutcomeUnknown(request, facts)  # noqa: PLR2004


def parse_response(request: Request, response: Response) -> object:
    """Return the JSON of a 2xx answer, None where it is empty.

    Raises Malformed if it is to a read and no JSON, and Unsure if it is to a write: what was written
    cannot be told.
    """
    if not response.body.strip():
        return None
    why = ""
    try:
        return parse_strict_json(response.body)
    except ResponseFormatError as error:
        why = str(error)
    raise invalid_response(request, response, why)


def invalid_response(request: Request, response: Response, reason: str) -> ServiceError:
    """Return the error for a 2xx answer that cannot be understood."""
    facts = ErrorDetails(status=response.status, request_id=_find_request_id(request, response), reason=reason)
    return InvalidResponse(request, facts) if request.is_read else OutcomeUnknown(request, facts)


def _is_failed_test(request: Request, response: Response) -> bool:
    # A failed connection test may come as 4xx with an explicit no (F10): that is its result.
    if request.operation != "test" or response.status in _NOT_TEST_RESULT_STATUSES or len(response.body) > _MAX_ERROR_BYTES:
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
    return OutcomeUnknown(request, error_details) if status in _TIMEOUT_STATUSES else RequestRejected(request, error_details)


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
        return frozenset(_iterate_keys(parse_strict_json(request.body)))
    except ResponseFormatError:
        return frozenset()


def _iterate_keys(tree: object) -> Iterator[str]:
    if isinstance(tree, Mapping):
        yield from tree
    branches = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list) else ()
    for branch in branches:
        yield from _iterate_keys(branch)


def _find_request_id(request: Request, response: Response) -> str:
    found = next((response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), "")
    return filter_request_id(found, request.body or b"")
