"""One pace for all workers: it slows down before the service has to say so."""

import threading
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.messages import ClientClock

RATE_LIMIT_HEADROOM = 0.2
"""The share of the service's limit below which we slow down, for others use the same limit."""

MAX_PAUSE = 300.0
MAX_WINDOW = 3600.0

_RATE_LIMIT_HEADERS = ("limit", "remaining", "reset")
_MAX_DIGITS = 12


class RateState(Struct, frozen=True, kw_only=True):
    """When the next request may start; all times are monotonic seconds.

    The generic cell rate algorithm (ITU-T I.371): ``due`` is when a request would start at an even
    ``rate`` (requests a second, 0 for no bound), and one may start up to a second's worth earlier.
    Until ``slow_until`` the rate is ``slow`` and none starts early; none starts before ``paused_until``.
    """

    rate: float = 0
    due: float = 0
    slow_rate: float = 0
    slow_until: float = 0
    paused_until: float = 0

    def reserve_slot(self, now: float) -> tuple["RateState", float]:
        """Return the pace after one more request, and the seconds that it has to wait.

        The moment is given out at once, so that no two workers are told the same one.
        """
        start = max(now, self.paused_until)
        slowly = start < self.slow_until
        interval = 1 / self.rate if self.rate else 0
        early = 0 if slowly else max(0, 1 - interval)
        at = max(start, self.due - early)
        due = max(at, self.due) + interval
        if slowly and at < self.slow_until:
            due = max(due, min(at + 1 / self.slow_rate, self.slow_until))
        return replace(self, due=due), at - now

    def with_pause(self, until: float) -> "RateState":
        """Return the pace in which nothing starts before ``until``."""
        return replace(self, paused_until=max(self.paused_until, until))

    def with_slow_rate(self, rate: float, until: float) -> "RateState":
        """Return the pace that is ``rate`` until the moment ``until``."""
        return replace(self, slow_rate=rate, slow_until=until)


class RateLimiter:
    """The pace that all workers of a client share."""

    def __init__(self, clock: ClientClock, rate: float = 0) -> None:
        self._clock = clock
        self._rate_state = RateState(rate=rate)
        self._lock = threading.Lock()

    def wait_for_slot(self) -> float:
        """Wait for this request's turn; returns the seconds waited."""
        with self._lock:
            self._rate_state, wait = self._rate_state.reserve_slot(self._clock.monotonic())
        waited = 0.0
        while wait > 0:
            self._clock.sleep(wait)
            waited += wait
            # The service may have asked for a pause while this worker slept.
            wait = self._rate_state.paused_until - self._clock.monotonic()
        return waited

    def pause(self, seconds: float) -> None:
        """Keep every worker from starting a request for so many seconds, five minutes at most."""
        if seconds > 0:
            self._update_state(lambda pace, now: pace.with_pause(now + min(seconds, MAX_PAUSE)))

    def observe_headers(self, headers: Mapping[str, str], date: float | None) -> None:
        """Slow down where ``X-RateLimit-*`` of an answer show that less than a fifth is left.

        Half of the even rate is taken until the reset, so that about a tenth of the limit stays for
        others; with nothing left, nothing is sent until the reset. ``date`` is the service's clock at
        the answer (Unix), for it is by that clock that ``X-RateLimit-Reset`` is told.
        """
        limit, left, reset = (
            _parse_number(headers.get(f"x-ratelimit-{name}", "")) for name in _RATE_LIMIT_HEADERS
        )
        if limit is None or left is None or reset is None or left > limit * RATE_LIMIT_HEADROOM:
            return
        seconds = reset - (self._clock.now() if date is None else date)
        if not 0 < seconds <= MAX_WINDOW:
            return
        if left:
            self._update_state(lambda pace, now: pace.with_slow_rate(left / (2 * seconds), now + seconds))
        else:
            self.pause(seconds)

    def _update_state(self, step: Callable[[RateState, float], RateState]) -> None:
        with self._lock:
            self._rate_state = step(self._rate_state, self._clock.monotonic())


def _parse_number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
