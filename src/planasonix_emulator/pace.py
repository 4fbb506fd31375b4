"""The rate limit: so many requests a window and key, and what a refusal says of waiting."""

from http import HTTPStatus

from planasonix_emulator.clock import http_date
from planasonix_emulator.messages import Problem
from planasonix_emulator.settings import SECOND
from planasonix_emulator.world import World


class Pace:
    """Count the requests of each key in windows of the emulator's clock."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, int]] = {}

    def step(self, key: str, world: World) -> tuple[tuple[str, str], ...]:
        """Count one request; return the headers that tell what is left; raises Problem 429 past the limit."""
        limit = world.settings.rate_limit
        if not limit:
            return ()
        now, width = world.clock.now(), int(world.settings.rate_window_seconds * SECOND)
        begun, count = self._windows.get(key, (now, 0))
        if now - begun >= width or now < begun:
            begun, count = now, 0
        self._windows[key] = (begun, count + 1)
        headers = _told(world, limit, count + 1, begun + width)
        if count >= limit:
            waits = retry_after(world.settings.retry_after, begun + width, now)
            problem = Problem(
                HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", "Too many requests; try again later."
            )
            raise problem.having(*headers, *waits)
        return headers


def retry_after(form: str, until: int, now: int) -> tuple[tuple[str, str], ...]:
    """Write the Retry-After header in a form, rightly or wrongly; times in microseconds."""
    seconds = max(-(-(until - now) // SECOND), 1)
    forms = {
        "seconds": str(seconds),
        "date": http_date(until + SECOND),
        "zero": "0",
        "huge": "86400",
        "garbage": "soon",
        "negative": "-5",
    }
    return (("Retry-After", forms[form]),) if form in forms else ()


def _told(world: World, limit: int, count: int, reset: int) -> tuple[tuple[str, str], ...]:
    if not world.settings.rate_headers:
        return ()
    return (
        ("X-RateLimit-Limit", str(limit)),
        ("X-RateLimit-Remaining", str(max(limit - count, 0))),
        ("X-RateLimit-Reset", str(reset // SECOND)),
    )
