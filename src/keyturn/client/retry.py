"""The retry policy, as pure functions over values.

A request that was *not applied* is always retried. A request with an unknown outcome is retried only if
the caller says ``idempotent``.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.errors import NotSent, OutcomeUnknown, RequestRejected, ServiceError, Throttled

MAX_ATTEMPTS = 4
MAX_BACKOFF = 30.0
MAX_RETRY_AFTER = 300.0
INITIAL_BACKOFF = 0.5
FAILURE_THRESHOLD = 5
RETRY_SHARE_DIVISOR = 10
MIN_RETRY_BUDGET = 10

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP_DATE_PATTERN = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ({'|'.join(_MONTHS)}) (\d{{4}}) (\d\d):(\d\d):([0-6]\d) GMT",
    re.ASCII,
)
_DELAY_SECONDS_PATTERN = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)


class RetryAfter(Struct, frozen=True):
    """Retry after ``seconds``."""

    seconds: float


class GiveUp(Struct, frozen=True):
    """Do not retry, with the reason."""

    reason: str


class RetryBudget(Struct, frozen=True):
    """Retries of a run: at most 10 % of the first attempts, but at least ten.

    The minimum keeps a plan of three requests from failing at the first 429.
    """

    requests: int = 0
    retries: int = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether the run may not retry any more."""
        return self.retries >= max(MIN_RETRY_BUDGET, self.requests // RETRY_SHARE_DIVISOR)

    def after_attempt(self, attempt: int) -> "RetryBudget":
        """Return the budget after attempt ``attempt`` (from 1) of a request."""
        return (
            replace(self, requests=self.requests + 1)
            if attempt == 1
            else replace(self, retries=self.retries + 1)
        )


class CircuitBreaker(Struct, frozen=True):
    """Counts operations that failed in a row; open after five: the caller starts no new operation."""

    failures: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the caller should start no new operation."""
        return self.failures >= FAILURE_THRESHOLD

    def after_result(self, error: ServiceError | None) -> "CircuitBreaker":
        """Return the state after an operation ended with ``error``, or None for success.

        Only failures of the service count. A rejection is a normal response and resets the count.
        """
        is_normal = error is None or isinstance(error, RequestRejected)
        return CircuitBreaker() if is_normal else CircuitBreaker(self.failures + 1)


class RequestAttempt(Struct, frozen=True, kw_only=True):
    """One attempt: ``number`` counts from 1; ``jitter`` in [0, 1) is a random number for this decision."""

    number: int
    idempotent: bool
    jitter: float


def decide_retry(attempt: RequestAttempt, error: ServiceError, budget: RetryBudget) -> RetryAfter | GiveUp:
    """Decide whether to retry after a failed attempt, and when.

    Full jitter over an exponential backoff from 0.5 s to at most 30 s, added to ``retry_after``. Gives up
    if the service asks to wait longer than five minutes.
    """
    if not _is_retryable(attempt, error):
        return GiveUp("a retry could apply the request twice, or would fail again")
    if attempt.number >= MAX_ATTEMPTS:
        return GiveUp(f"{MAX_ATTEMPTS} attempts failed")
    if budget.is_exhausted:
        return GiveUp("the run has used all its retries")
    minimum = error.retry_after or 0.0
    if minimum > MAX_RETRY_AFTER:
        return GiveUp("the service asks to wait longer than five minutes")
    backoff = min(MAX_BACKOFF, INITIAL_BACKOFF * 2 ** (attempt.number - 1))
    return RetryAfter(minimum + attempt.jitter * backoff)


def _is_retryable(attempt: RequestAttempt, error: ServiceError) -> bool:
    if isinstance(error, NotSent):
        return not error.is_permanent
    if isinstance(error, OutcomeUnknown):
        return attempt.idempotent
    return isinstance(error, Throttled)


def parse_retry_after(text: str, now: float) -> float | None:
    """Parse ``Retry-After``, seconds or a date (RFC 9110 §10.2.3), into seconds from ``now`` (Unix).

    Returns 0 for a date in the past, None for an empty or invalid text and a negative number.
    """
    text = text.strip()
    if _DELAY_SECONDS_PATTERN.fullmatch(text):
        return float(text)
    moment = parse_http_date(text)
    return None if moment is None else max(0.0, moment - now)


@lru_cache(maxsize=64)
def parse_http_date(text: str) -> float | None:
    """Parse an IMF-fixdate (RFC 9110 §5.6.7) into Unix seconds; None for any other text.

    Example: ``Sun, 06 Nov 1994 08:49:37 GMT``.
    """
    match = _HTTP_DATE_PATTERN.fullmatch(text)
    if match is None:
        return None
    day, month, year, *clock = match.groups()
    hour, minute, second = map(int, clock)
    try:
        moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, 0, tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp() + second
