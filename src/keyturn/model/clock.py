"""Clocks, passed as arguments so that tests control time."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct


class WaitInterruptedError(Exception):
    """The user interrupted the run during a wait, or before it."""


class RunClock(Struct, frozen=True):
    """The two clocks of a run.

    ``now`` returns an aware datetime for records; it may jump. ``monotonic`` returns seconds that
    never decrease; leases are measured with it. Use a clock that advances while the machine
    sleeps (``CLOCK_BOOTTIME``) where the system has one.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


def format_timestamp(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 in UTC, to the millisecond: ``2026-03-09T12:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
