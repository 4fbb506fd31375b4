"""Whether to ask again, and when: a decision about values, with no clock and no chance of its own.

Only what was *not applied* is repeated blindly. Whether a request whose outcome is unknown may be
sent again is the caller's knowledge: ``idempotent``.
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
    """Ask again after so many seconds."""

    seconds: float


class GiveUp(Struct, frozen=True):
    """Do not ask again, and why."""

    reason: str


class RetryBudget(Struct, frozen=True):
    """The extra requests of a run: at most 10 % of those sent first, and never fewer than ten.

    The floor keeps a plan of three requests from failing at the first 429.
    """

    requests: int = 0
    retries: int = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether one more extra request would be too many."""
        return self.retries >= max(MIN_RETRY_BUDGET, self.requests // RETRY_SHARE_DIVISOR)

    def after_attempt(self, attempt: int) -> "RetryBudget":
        """Return the budget after attempt number ``attempt`` (from 1) of a request was sent."""
        return (
            replace(self, requests=self.requests + 1)
            if attempt == 1
            else replace(self, retries=self.retries + 1)
        )


class CircuitBreaker(Struct, frozen=True):
    """Operations that failed in a row; ``open`` after five: the caller starts nothing new."""

    failures: int = 0

    @property
    def is_open(self) -> bool:
        """Whether so many operations failed in a row that nothing new should start."""
        return self.failures >= FAILURE_THRESHOLD

    def after_result(self, error: ServiceError | None) -> "CircuitBreaker":
        """Return the state after an operation ended, with its error or None.

        Only trouble of the service counts. A refusal is an answer like any other: it ends the row.
        """
        fine = error is None or isinstance(error, RequestRejected)
        return CircuitBreaker() if fine else CircuitBreaker(self.failures + 1)


class RequestAttempt(Struct, frozen=True, kw_only=True):
    """What was tried: ``number`` from 1; ``chance`` in [0, 1) is drawn by the caller for this decision."""

    number: int
    idempotent: bool
    jitter: float


def decide_retry(attempt: RequestAttempt, error: ServiceError, budget: RetryBudget) -> RetryAfter | GiveUp:
    """Decide what follows a failed attempt.

    Full jitter over an exponential backoff from 0.5 s, at most 30 s. Never sooner than the service
    asked; where it asks for more than five minutes, give up instead of coming too early.
    """
    if not _is_retryable(attempt, error):
        return GiveUp("asking again could do it twice, or would not help")
    if attempt.number >= MAX_ATTEMPTS:
        return GiveUp(f"{MAX_ATTEMPTS} attempts were made")
    if budget.is_exhausted:
        return GiveUp("the run's budget of extra requests is spent")
    asked = error.retry_after or 0.0
    if asked > MAX_RETRY_AFTER:
        return GiveUp("the service asks to wait longer than five minutes")
    return RetryAfter(asked + attempt.jitter * min(MAX_BACKOFF, INITIAL_BACKOFF * 2 ** (attempt.number - 1)))


def _is_retryable(attempt: RequestAttempt, error: ServiceError) -> bool:
    if isinstance(error, NotSent):
        return not error.is_permanent
    if isinstance(error, OutcomeUnknown):
        return attempt.idempotent
    return isinstance(error, Throttled)


def parse_retry_after(text: str, now: float) -> float | None:
    """Read ``Retry-After``: seconds or a date (RFC 9110 §10.2.3), as seconds from ``now`` (Unix).

    A date in the past gives 0; nonsense, a negative number and an empty text give None.
    """
    text = text.strip()
    if _DELAY_SECONDS_PATTERN.fullmatch(text):
        return float(text)
    moment = parse_http_date(text)
    return None if moment is None else max(0.0, moment - now)


@lru_cache(maxsize=64)
def parse_http_date(text: str) -> float | None:
    """Read an HTTP date in the form that servers must write (RFC 9110 §5.6.7) as Unix seconds.

    ``Sun, 06 Nov 1994 08:49:37 GMT``; None for anything else.
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
