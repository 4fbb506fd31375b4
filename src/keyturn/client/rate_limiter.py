"""Rate limiter that all workers of a client share. It slows down before the service throttles."""

import threading
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.messages import ClientClock

RATE_LIMIT_HEADROOM = 0.2
"""Slow down below this share of the service's limit: other clients use the same limit."""

MAX_PAUSE = 300.0
"""Seconds."""

MAX_WINDOW = 3600.0
"""Seconds; a later ``X-RateLimit-Reset`` is ignored."""

_RATE_LIMIT_HEADERS = ("limit", "remaining", "reset")
_MAX_DIGITS = 12


class RateState(Struct, frozen=True, kw_only=True):
    """State of the generic cell rate algorithm (ITU-T I.371); all times are monotonic seconds.

    ``due`` is the theoretical arrival time at ``rate`` requests a second (0: unlimited). The burst is one
    second of ``rate``. Until ``slow_until`` the rate is ``slow_rate``, without a burst. No request starts
    before ``paused_until``.
    """

    rate: float = 0
    due: float = 0
    slow_rate: float = 0
    slow_until: float = 0
    paused_until: float = 0

    def reserve_slot(self, now: float) -> tuple["RateState", float]:
        """Return the state after one more request, and the seconds that this request must wait."""
        earliest = max(now, self.paused_until)
        is_slow = earliest < self.slow_until
        interval = 1 / self.rate if self.rate else 0
        burst = 0 if is_slow else max(0, 1 - interval)
        start = max(earliest, self.due - burst)
        due = max(start, self.due) + interval
        if is_slow and start < self.slow_until:
            due = max(due, min(start + 1 / self.slow_rate, self.slow_until))
        return replace(self, due=due), start - now

    def with_pause(self, until: float) -> "RateState":
        """Return the state in which no request starts before ``until``."""
        return replace(self, paused_until=max(self.paused_until, until))

    def with_slow_rate(self, rate: float, until: float) -> "RateState":
        """Return the state whose rate is ``rate`` until ``until``."""
        return replace(self, slow_rate=rate, slow_until=until)


class RateLimiter:
    """A thread-safe rate limiter for all workers of a client."""

    def __init__(self, clock: ClientClock, rate: float = 0) -> None:
        self._clock = clock
        self._rate_state = RateState(rate=rate)
        self._lock = threading.Lock()

    def wait_for_slot(self) -> float:
        """Wait until one more request may start; returns the seconds waited."""
        with self._lock:
            self._rate_state, wait = self._rate_state.reserve_slot(self._clock.monotonic())
        waited = 0.0
        while wait > 0:
            self._clock.sleep(wait)
            waited += wait
            # Another worker may have called `pause` during the sleep.
            wait = self._rate_state.paused_until - self._clock.monotonic()
        return waited

    def pause(self, seconds: float) -> None:
        """Start no request for ``seconds``, at most five minutes."""
        if seconds > 0:
            self._update_state(lambda state, now: state.with_pause(now + min(seconds, MAX_PAUSE)))

    def observe_headers(self, headers: Mapping[str, str], date: float | None) -> None:
        """Slow down if the ``X-RateLimit-*`` headers of a response show less than a fifth remaining.

        The rate until the reset is half of what remains, so about a tenth of the limit stays for other
        clients. With nothing remaining, no request starts until the reset. ``date`` is the service's clock
        at the response (Unix): ``X-RateLimit-Reset`` refers to that clock.
        """
        limit, remaining, reset = (
            _parse_number(headers.get(f"x-ratelimit-{name}", "")) for name in _RATE_LIMIT_HEADERS
        )
        if limit is None or remaining is None or reset is None or remaining > limit * RATE_LIMIT_HEADROOM:
            return
        seconds = reset - (self._clock.now() if date is None else date)
        if not 0 < seconds <= MAX_WINDOW:
            return
        if remaining:
            rate = remaining / (2 * seconds)
            self._update_state(lambda state, now: state.with_slow_rate(rate, now + seconds))
        else:
            self.pause(seconds)

    def _update_state(self, step: Callable[[RateState, float], RateState]) -> None:
        with self._lock:
            self._rate_state = step(self._rate_state, self._clock.monotonic())


def _parse_number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
