"""The emulator's clock."""

import time
from datetime import datetime

import pytest

from planasonix_emulator.clock import EmulatorClock, format_http_date, format_timestamp, restyle_timestamp
from planasonix_emulator.settings import SECOND


def test_it_tells_real_time():
    """By default the clock shows real time."""
    assert abs(EmulatorClock().now() / SECOND - time.time()) < 1


def test_it_can_be_held_and_advanced():
    """A held clock changes only by `advance`; a resumed clock shows real time."""
    clock = EmulatorClock()
    clock.hold(1_800_000_000)
    assert clock.is_held
    assert clock.now() == clock.now() == 1_800_000_000 * SECOND
    clock.advance(1.5)
    assert clock.now() == 1_800_000_001_500_000
    assert clock.http_date() == "Fri, 15 Jan 2027 08:00:01 GMT"
    clock.hold()
    assert clock.now() == 1_800_000_001_500_000
    clock.resume()
    assert not clock.is_held
    assert abs(clock.now() / SECOND - time.time()) < 1


def test_it_can_be_shifted():
    """A running clock can be shifted."""
    clock = EmulatorClock()
    clock.advance(-86_400)
    assert abs(clock.now() / SECOND - time.time() + 86_400) < 1


@pytest.mark.parametrize(
    ("precision", "text"),
    [
        ("seconds", "2027-01-15T08:00:01Z"),
        ("milliseconds", "2027-01-15T08:00:01.020Z"),
        ("microseconds", "2027-01-15T08:00:01.020304Z"),
    ],
)
def test_times_in_replies(precision, text):
    """Times are RFC 3339 in UTC, at the precision of the settings."""
    assert format_timestamp(1_800_000_001_020_304, precision) == text
    assert format_timestamp(None, precision) is None


def test_dates_in_headers():
    """HTTP dates are whole seconds in GMT."""
    assert format_http_date(1_800_000_001) == "Fri, 15 Jan 2027 08:00:01 GMT"


def test_one_time_has_several_forms():
    """Each is the same instant, with an offset or with zeros."""
    moment = 1_800_000_001_020_304
    text = format_timestamp(moment, "microseconds")
    forms = [restyle_timestamp(text, moment, turn) for turn in range(4)]
    assert len(set(forms)) == 4
    assert len({datetime.fromisoformat(each) for each in forms}) == 1
