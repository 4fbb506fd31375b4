"""The emulator's clock: real time, shifted or held still, so that waits need no waiting."""

import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

from planasonix_emulator.settings import SECOND


class Clock:
    """Tell the time in microseconds since 1970; may be shifted, held and advanced."""

    def __init__(self) -> None:
        self._offset = 0
        self._held: int | None = None

    def now(self) -> int:
        """Return the present moment in microseconds."""
        if self._held is not None:
            return self._held + self._offset
        return time.time_ns() // 1000 + self._offset

    @property
    def held(self) -> bool:
        """Whether the clock stands still between two advances."""
        return self._held is not None

    def hold(self, at: float | None = None) -> None:
        """Stop at the present moment, or at the given one in seconds since 1970."""
        moment = self.now() if at is None else int(at * SECOND)
        self._offset, self._held = 0, moment

    def run(self) -> None:
        """Let real time pass again, without any shift."""
        self._offset, self._held = 0, None

    def advance(self, seconds: float) -> None:
        """Move by so many seconds, back if negative."""
        self._offset += int(seconds * SECOND)

    def date(self) -> str:
        """Return the present moment as an HTTP date."""
        return http_date(self.now())


def http_date(moment: int) -> str:
    """Write a moment in microseconds as an HTTP date (RFC 9110, section 5.6.7)."""
    return formatdate(moment / SECOND, usegmt=True)


def stamp(moment: int | None, precision: str) -> str | None:
    """Write a moment in microseconds as RFC 3339 in UTC with `Z`, at the given precision."""
    if moment is None:
        return None
    written = _to_the_second(moment // SECOND)
    fraction = moment % SECOND
    if precision == "milliseconds":
        return f"{written}.{fraction // 1000:03d}Z"
    if precision == "microseconds":
        return f"{written}.{fraction:06d}Z"
    return written + "Z"


@lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
