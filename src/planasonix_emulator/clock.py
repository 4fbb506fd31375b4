"""The emulator's clock: real time that tests can shift, hold and advance."""

import time
from datetime import UTC, datetime, timedelta, timezone
from email.utils import formatdate
from functools import lru_cache

from planasonix_emulator.settings import SECOND


class EmulatorClock:
    """Measure time in microseconds since 1970; tests can shift, hold and advance it."""

    def __init__(self) -> None:
        self._offset = 0
        self._held: int | None = None

    def now(self) -> int:
        """Return the current time in microseconds."""
        if self._held is not None:
            return self._held + self._offset
        return time.time_ns() // 1000 + self._offset

    @property
    def is_held(self) -> bool:
        """Whether only `advance` moves the clock."""
        return self._held is not None

    def hold(self, at: float | None = None) -> None:
        """Stop the clock at the current time, or at `at` in seconds since 1970."""
        moment = self.now() if at is None else int(at * SECOND)
        self._offset, self._held = 0, moment

    def resume(self) -> None:
        """Follow real time again, without an offset."""
        self._offset, self._held = 0, None

    def advance(self, seconds: float) -> None:
        """Move the clock forward, or back if `seconds` is negative."""
        self._offset += int(seconds * SECOND)

    def http_date(self) -> str:
        """Return the current time as an HTTP date."""
        return format_http_date(self.now() // SECOND)


@lru_cache(maxsize=64)
def format_http_date(seconds: int) -> str:
    """Format seconds since 1970 as an HTTP date (RFC 9110, section 5.6.7)."""
    return formatdate(seconds, usegmt=True)


def format_timestamp(moment: int | None, precision: str) -> str | None:
    """Format microseconds since 1970 as RFC 3339 in UTC with `Z`, at the given precision."""
    if moment is None:
        return None
    text = _format_seconds(moment // SECOND)
    fraction = moment % SECOND
    if precision == "milliseconds":
        return f"{text}.{fraction // 1000:03d}Z"
    if precision == "microseconds":
        return f"{text}.{fraction:06d}Z"
    return text + "Z"


def restyle_timestamp(text: str, moment: int, turn: int) -> str:
    """Return the time that `text` shows in another form: with an offset, or with more fractional digits.

    `moment` is in microseconds since 1970; `turn` selects the form.
    """
    whole, _, fraction = text.removesuffix("Z").partition(".")
    local = timezone(timedelta(hours=5, minutes=30))
    shifted = datetime.fromtimestamp(moment // SECOND, tz=local).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f".{fraction}" if fraction else ""
    padded = f".{fraction.ljust(9, '0')}"
    return (text, f"{whole}{digits}+00:00", f"{whole}{padded}Z", f"{shifted}{padded}+05:30")[turn % 4]


@lru_cache(maxsize=4096)
def _format_seconds(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
