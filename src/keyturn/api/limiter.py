"""One pace for all workers: a token bucket that slows down before the service has to say so."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from keyturn.api.call import Tempo

HEADROOM = 0.2
"""The share of the service's limit below which we slow down, for others use the same limit."""

LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The state of the pace.

    ``rate`` and ``slow`` are requests a second, 0 for no bound; times are monotonic seconds. ``slow``
    holds until ``slow_until``; nothing starts before ``paused_until``.
    """

    rate: float = 0
    burst: float = 1
    tokens: float = 1
    at: float = 0
    slow: float = 0
    slow_until: float = 0
    paused_until: float = 0

    def taken(self, now: float) -> tuple["Bucket", float]:
        """Return the bucket after one request was let through, and the seconds that it must wait first.

        Places in the queue are given out at once, so that no two workers are told the same moment.
        """
        rate, burst = self._pace(now)
        start = max(now, self.paused_until)
        if not rate:
            return replace(self, at=now, tokens=burst), start - now
        tokens = min(burst, self.tokens + max(0.0, start - self.at) * rate)
        wait = max(0.0, (1 - tokens) / rate)
        return replace(self, at=start + wait, tokens=tokens - 1 + wait * rate), start - now + wait

    def paused(self, until: float) -> "Bucket":
        """Return the bucket in which nothing starts before ``until``."""
        return replace(self, paused_until=max(self.paused_until, until))

    def slowed(self, rate: float, until: float) -> "Bucket":
        """Return the bucket with the pace ``rate`` until the moment ``until``."""
        return replace(self, slow=rate, slow_until=until, tokens=min(self.tokens, 1))

    def _pace(self, now: float) -> tuple[float, float]:
        if self.slow and now < self.slow_until:
            return (min(self.slow, self.rate) if self.rate else self.slow), 1
        return self.rate, self.burst


class Limiter:
    """The bucket that all workers of a client share."""

    def __init__(self, tempo: Tempo, rate: float = 0) -> None:
        burst = max(1.0, rate)
        self._tempo = tempo
        self._bucket = Bucket(rate=rate, burst=burst, tokens=burst, at=tempo.monotonic())
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Requests a second that the project allows, 0 for no bound."""
        return self._bucket.rate

    def take(self) -> float:
        """Wait for this request's turn; returns the seconds waited."""
        with self._lock:
            self._bucket, wait = self._bucket.taken(self._tempo.monotonic())
        waited = 0.0
        while wait > 0:
            self._tempo.sleep(wait)
            waited += wait
            # The service may have asked for a pause while this worker slept.
            wait = self._bucket.paused_until - self._tempo.monotonic()
        return waited

    def pause(self, seconds: float) -> None:
        """Keep every worker from starting a request for so many seconds, five minutes at most."""
        self._change(lambda bucket, now: bucket.paused(now + min(seconds, LONGEST_PAUSE)))

    def heed(self, headers: Mapping[str, str], date: float | None) -> None:
        """Slow down where ``X-RateLimit-*`` of an answer show that less than a fifth is left.

        Half of the even rate is taken until the reset, so that a tenth of the limit stays for others.
        ``date`` is the service's clock at the answer (Unix), for ``X-RateLimit-Reset`` is told by it.
        """
        limit, left, reset = (_number(headers.get(f"x-ratelimit-{name}", "")) for name in _HEADERS)
        if limit is None or left is None or reset is None or left > limit * HEADROOM:
            return
        seconds = reset - (self._tempo.now() if date is None else date)
        if 0 < seconds <= LONGEST_PAUSE * 12:
            rate = max(left, 1) / (2 * max(seconds, 1))
            self._change(lambda bucket, now: bucket.slowed(rate, now + seconds))

    def _change(self, step: Callable[[Bucket, float], Bucket]) -> None:
        with self._lock:
            self._bucket = step(self._bucket, self._tempo.monotonic())


_HEADERS = ("limit", "remaining", "reset")


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None  # noqa: PLR2004
