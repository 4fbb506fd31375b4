"""Time as an argument: the ledger never asks a clock of its own."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct


class RunClock(Struct, frozen=True):
    """The two clocks of a run.

    ``now`` returns an aware datetime and is for the reader of a record; it may jump. ``monotonic``
    returns seconds that never go back, and is what a lease is judged by; where the system has one,
    hand in the clock that goes on while the machine sleeps (``CLOCK_BOOTTIME``).
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


def format_timestamp(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 in UTC, to the millisecond: ``2026-03-09T12:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
