"""From an answer to an error, or to the tree it holds."""

from collections.abc import Iterator, Mapping

from keyturn.api.call import Call, Reply
from keyturn.api.errors import Absent, Busy, Conflict, Denied, Facts, Malformed, Refused, ServiceError, Unsure
from keyturn.api.hearsay import error_words, request_id
from keyturn.api.results import failed_openly
from keyturn.api.retry import asked_to_wait
from keyturn.api.strict import Puzzling, read_json

_LONGEST_ERROR = 65_536
_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id")
_ABSENT = frozenset({404, 410})
_UNANSWERED = frozenset({408})
_NO_RESULT = frozenset({401, 403, 404, 408, 429})


def judged(call: Call, reply: Reply, now: float) -> ServiceError | None:
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
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004
        return None
    facts = _facts(call, reply, now)
    if 400 <= status < 500:  # noqa: PLR2004
        return None if _failed_test(call, reply) else _client_side(call, facts)
    if status < 400:  # noqa: PLR2004
        return Refused(call, facts, number="KT517") if call.reads else Unsure(call, facts, number="KT517")
    return Busy(call, facts) if status == 503 and call.reads else Unsure(call, facts)  # noqa: PLR2004


def tree_of(call: Call, reply: Reply) -> object:
    """Return the JSON of a 2xx answer, None where it is empty.

    Raises Malformed if it is to a read and no JSON, and Unsure if it is to a write: what was written
    cannot be told.
    """
    if not reply.body.strip():
        return None
    why = ""
    try:
        return read_json(reply.body)
    except Puzzling as error:
        why = str(error)
    raise puzzled(call, reply, why)


def puzzled(call: Call, reply: Reply, why: str) -> ServiceError:
    """Return the error for a 2xx answer that cannot be understood."""
    facts = Facts(status=reply.status, request_id=_request_id(call, reply), why=why)
    return Malformed(call, facts) if call.reads else Unsure(call, facts)


def _failed_test(call: Call, reply: Reply) -> bool:
    # A failed connection test may come as 4xx with an explicit no (F10): that is its result.
    if call.verb != "test" or reply.status in _NO_RESULT or len(reply.body) > _LONGEST_ERROR:
        return False
    try:
        return failed_openly(read_json(reply.body))
    except Puzzling:
        return False


def _client_side(call: Call, facts: Facts) -> ServiceError:
    status = facts.status
    if status in {401, 403}:
        return Denied(call, facts)
    if status in _ABSENT:
        return Absent(call, facts)
    if status == 409:  # noqa: PLR2004
        return Conflict(call, facts)
    if status == 429:  # noqa: PLR2004
        return Busy(call, facts)
    return Unsure(call, facts) if status in _UNANSWERED else Refused(call, facts)


def _facts(call: Call, reply: Reply, now: float) -> Facts:
    code, details = _words(call, reply)
    date = now if reply.date is None else reply.date
    return Facts(
        status=reply.status,
        request_id=_request_id(call, reply),
        code=code,
        details=details,
        why="redirected" if 300 <= reply.status < 400 else "",  # noqa: PLR2004
        retry_after=asked_to_wait(reply.headers.get("retry-after", ""), date),
    )


def _words(call: Call, reply: Reply) -> tuple[str, tuple[str, ...]]:
    if len(reply.body) > _LONGEST_ERROR:
        return "", ()
    try:
        return error_words(read_json(reply.body), _names(call))
    except Puzzling:
        return "", ()


def _names(call: Call) -> frozenset[str]:
    if not call.body:
        return frozenset()
    try:
        return frozenset(_keys(read_json(call.body)))
    except Puzzling:
        return frozenset()


def _keys(tree: object) -> Iterator[str]:
    if isinstance(tree, Mapping):
        yield from tree
    branches = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list) else ()
    for branch in branches:
        yield from _keys(branch)


def _request_id(call: Call, reply: Reply) -> str:
    found = next((reply.headers[name] for name in _REQUEST_IDS if name in reply.headers), "")
    return request_id(found, call.body or b"")
