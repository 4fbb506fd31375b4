"""Clocks, passed as arguments so that tests control time, and the canonical form of timestamps."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from msgspec import Struct

_CANONICAL_LENGTH = len("2026-03-09T12:00:00Z")
_TIMESTAMP_PATTERN = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_FRACTION_PATTERN = re.compile(r"\.(\d+)", re.ASCII)
_EPOCH_PATTERN = re.compile(r"(\d{9,10}|\d{12,13})(?:\.(\d{1,9}))?", re.ASCII)
_MILLISECOND_DIGITS = 12


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


@lru_cache(maxsize=16_384)
def normalize_timestamp(text: str) -> str:
    """Return the canonical text of an instant: in UTC with ``Z``, without zeros at the end of a fraction.

    Accepts RFC 3339 with any offset and up to nine fractional digits, the same without an offset (UTC), and
    Unix time in seconds or milliseconds. Any other text is returned unchanged.
    """
    if len(text) == _CANONICAL_LENGTH and text[-1] == "Z" and text[10] == "T":
        return text
    try:
        return _normalize_rfc3339(text) or _normalize_epoch(text) or text
    except (ValueError, OverflowError):
        return text


def parse_timestamp(text: str) -> datetime | None:
    """Return the instant of a timestamp to the microsecond; None for any other text."""
    try:
        return datetime.fromisoformat(normalize_timestamp(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def may_be_same_time(left: str, right: str) -> bool:
    """Tell whether two timestamps are one instant, of which one may be truncated.

    The precision is the number of fractional digits, also of zeros: ``22Z`` may be ``22.5Z``, but
    ``22.000Z`` is not.
    """
    if normalize_timestamp(left) == normalize_timestamp(right):
        return True
    seconds = [normalize_timestamp(text)[: _CANONICAL_LENGTH - 1] for text in (left, right)]
    fractions = [found[1] if (found := _FRACTION_PATTERN.search(text)) else "" for text in (left, right)]
    shorter, longer = sorted(fractions, key=len)
    return seconds[0] == seconds[1] and longer.startswith(shorter)


def _normalize_rfc3339(text: str) -> str:
    match = _TIMESTAMP_PATTERN.fullmatch(text)
    if match is None:
        return ""
    day, clock, fraction, sign, hours, minutes = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}")
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        moment = moment - offset if sign == "+" else moment + offset
    return _format_instant(moment, fraction or "")


def _normalize_epoch(text: str) -> str:
    match = _EPOCH_PATTERN.fullmatch(text)
    if match is None:
        return ""
    whole, fraction = match[1], match[2] or ""
    if len(whole) >= _MILLISECOND_DIGITS:
        whole, fraction = whole[:-3], (whole[-3:] + fraction)[:9]
    return _format_instant(datetime.fromtimestamp(int(whole), UTC).replace(tzinfo=None), fraction)


def _format_instant(moment: datetime, fraction: str) -> str:
    kept = fraction.rstrip("0")
    return moment.isoformat(timespec="seconds") + (f".{kept}Z" if kept else "Z")
