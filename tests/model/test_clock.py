"""The format of timestamps."""

from datetime import UTC, datetime, timedelta, timezone

from keyturn.model.clock import format_timestamp


def test_timestamps_are_in_utc_with_milliseconds():
    """Timestamps of different time zones can be compared as text."""
    there = timezone(timedelta(hours=5, minutes=30))
    assert format_timestamp(datetime(2026, 3, 9, 12, 0, 0, 123_900, UTC)) == "2026-03-09T12:00:00.123Z"
    assert format_timestamp(datetime(2026, 3, 9, 12, tzinfo=there)) == "2026-03-09T06:30:00.000Z"
