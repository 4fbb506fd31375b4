"""Whether to ask again, and when: a decision about values, with no clock and no chance of its own.

Only what was *not applied* is repeated blindly. Whether a request whose outcome is unknown may be
sent again is the caller's knowledge: ``idempotent``.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from keyturn.api.errors import Busy, Refused, ServiceError, Unreachable, Unsure

MOST_ATTEMPTS = 4
LONGEST_BACKOFF = 30.0
LONGEST_ASKED = 300.0
FIRST_BACKOFF = 0.5
FAILURES_IN_A_ROW = 5
EXTRA_SHARE = 10
EXTRA_FLOOR = 10

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ({'|'.join(_MONTHS)}) (\d{{4}}) (\d\d):(\d\d):([0-6]\d) GMT",
    re.ASCII,
)
_SECONDS = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)


class Wait(Struct, frozen=True):
    """Ask again after so many seconds."""

    seconds: float


class GiveUp(Struct, frozen=True):
    """Do not ask again, and why."""

    why: str


class Budget(Struct, frozen=True):
    """The extra requests of a run: at most 10 % of those sent first, and never fewer than ten.

    The floor keeps a plan of three requests from failing at the first 429.
    """

    first: int = 0
    extra: int = 0

    @property
    def spent(self) -> bool:
        """Whether one more extra request would be too many."""
        return self.extra >= max(EXTRA_FLOOR, self.first // EXTRA_SHARE)

    def counted(self, attempt: int) -> "Budget":
        """Return the budget after attempt number ``attempt`` (from 1) of a request was sent."""
        return replace(self, first=self.first + 1) if attempt == 1 else replace(self, extra=self.extra + 1)


class Breaker(Struct, frozen=True):
    """Operations that failed in a row; ``open`` after five: the caller starts nothing new."""

    failures: int = 0

    @property
    def open(self) -> bool:
        """Whether so many operations failed in a row that nothing new should start."""
        return self.failures >= FAILURES_IN_A_ROW

    def after(self, error: ServiceError | None) -> "Breaker":
        """Return the state after an operation ended, with its error or None.

        Only trouble of the service counts. A refusal is an answer like any other: it ends the row.
        """
        fine = error is None or isinstance(error, Refused)
        return Breaker() if fine else Breaker(self.failures + 1)


class Attempt(Struct, frozen=True, kw_only=True):
    """What was tried: ``number`` from 1; ``chance`` in [0, 1) is drawn by the caller for this decision."""

    number: int
    idempotent: bool
    chance: float


def next_step(attempt: Attempt, error: ServiceError, budget: Budget) -> Wait | GiveUp:
    """Decide what follows a failed attempt.

    Full jitter over an exponential backoff from 0.5 s, at most 30 s. Never sooner than the service
    asked; where it asks for more than five minutes, give up instead of coming too early.
    """
    if not _repeatable(attempt, error):
        return GiveUp("asking again could do it twice, or would not help")
    if attempt.number >= MOST_ATTEMPTS:
        return GiveUp(f"{MOST_ATTEMPTS} attempts were made")
    if budget.spent:
        return GiveUp("the run's budget of extra requests is spent")
    asked = error.retry_after or 0.0
    if asked > LONGEST_ASKED:
        return GiveUp("the service asks to wait longer than five minutes")
    return Wait(asked + attempt.chance * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempt.number - 1)))


def _repeatable(attempt: Attempt, error: ServiceError) -> bool:
    if isinstance(error, Unreachable):
        return not error.lasting
    if isinstance(error, Unsure):
        return attempt.idempotent
    return isinstance(error, Busy)


def asked_to_wait(text: str, now: float) -> float | None:
    """Read ``Retry-After``: seconds or a date (RFC 9110 §10.2.3), as seconds from ``now`` (Unix).

    A date in the past gives 0; nonsense, a negative number and an empty text give None.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    moment = unix_time(text)
    return None if moment is None else max(0.0, moment - now)


@lru_cache(maxsize=64)
def unix_time(text: str) -> float | None:
    """Read an HTTP date in the form that servers must write (RFC 9110 §5.6.7) as Unix seconds.

    ``Sun, 06 Nov 1994 08:49:37 GMT``; None for anything else.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    day, month, year, *clock = match.groups()
    hour, minute, second = map(int, clock)
    try:
        moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, 0, tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp() + second
