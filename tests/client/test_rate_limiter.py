"""All workers share one pace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.messages import ClientClock
from keyturn.client.rate_limiter import RateLimiter, RateState


def taken(pace, now, count):
    """Return when each of ``count`` requests that come at once may start, and the pace after them."""
    starts = []
    for _ in range(count):
        pace, wait = pace.reserve_slot(now)
        starts.append(now + wait)
    return pace, starts


def test_no_bound_no_wait():
    """Without a rate nothing waits."""
    assert taken(RateState(), 50, 100)[1] == [50] * 100


def test_a_second_s_worth_at_once_then_evenly():
    """At eight a second the first eight start at once, and the next ones an eighth of a second apart."""
    _, starts = taken(RateState(rate=8), 50, 12)
    assert starts == [50] * 8 + [50.125, 50.25, 50.375, 50.5]


def test_less_than_one_a_second():
    """A rate below one a second has no burst."""
    assert taken(RateState(rate=0.5), 50, 3)[1] == [50, 52, 54]


@given(rate=st.floats(0.5, 200), gaps=st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_never_more_than_the_rate(rate, gaps):
    """In any span no more requests start than the rate allows, and a second's worth on top."""
    pace, now, starts = RateState(rate=rate), 50.0, []
    for gap in gaps:
        now += gap
        pace, wait = pace.reserve_slot(now)
        assert wait >= 0
        starts.append(now + wait)
    starts.sort()
    for first in range(len(starts)):
        for last in range(first, len(starts)):
            allowed = rate * (starts[last] - starts[first]) + max(1, rate) + 1e-6
            assert last - first + 1 <= allowed + 1


def test_a_pause_holds_for_all():
    """Nothing starts before the end of a pause, and a shorter pause does not shorten it."""
    pace = RateState().with_pause(60).with_pause(55)
    assert taken(pace, 50, 3)[1] == [60] * 3
    assert taken(pace, 61, 1)[1] == [61]


def test_slow_until_the_reset():
    """While little is left requests start one by one; from the reset on the usual pace holds."""
    _, starts = taken(RateState().with_slow_rate(0.5, 60), 50, 8)
    assert starts == [50, 52, 54, 56, 58, 60, 60, 60]


def test_slower_than_the_window_is_long():
    """One request now and the next at the reset, when there is less than one a window."""
    _, starts = taken(RateState(rate=10).with_slow_rate(0.001, 60), 50, 3)
    assert starts[:2] == [50, 60]
    assert 60 <= starts[2] <= 60.1


def test_waits_through_a_pause_that_came_while_asleep(clock):
    """A worker that slept for its turn waits on when the service asks for a pause meanwhile."""
    limiter = RateLimiter(clock.client_clock(), rate=0.5)
    limiter.wait_for_slot()

    def sleep(seconds):
        clock.sleep(seconds)
        if len(clock.naps) == 1:
            limiter.pause(7)

    whole = clock.client_clock()
    limiter._clock = ClientClock(
        monotonic=whole.monotonic, now=whole.now, sleep=sleep, random_fraction=whole.random_fraction
    )
    assert limiter.wait_for_slot() == 2 + 7
    assert clock.naps == [2, 7]


def test_a_pause_is_five_minutes_at_most(clock):
    """However long the service asks, all workers together wait no longer."""
    limiter = RateLimiter(clock.client_clock())
    limiter.pause(10_000)
    limiter.pause(-3)
    assert limiter.wait_for_slot() == 300


@pytest.mark.parametrize(
    ("limit", "left", "reset", "waits"),
    [
        ("100", "50", "+60", [0, 0, 0]),
        ("100", "20", "+60", [0, 6, 6]),
        ("100", "0", "+60", [60, 0, 0]),
        ("100", "20", "-5", [0, 0, 0]),
        ("100", "20", "+999999", [0, 0, 0]),
        ("100", "-1", "+60", [0, 0, 0]),
        ("", "0", "+60", [0, 0, 0]),
        ("100", "0", "soon", [0, 0, 0]),
        ("100", "٣", "+60", [0, 0, 0]),
        ("9" * 400, "0", "+60", [0, 0, 0]),
    ],
)
def test_leaves_head_room(clock, limit, left, reset, waits):
    """Below a fifth of the limit the pace is half of the even one; nonsense changes nothing."""
    limiter = RateLimiter(clock.client_clock())
    date = 5_000_000.0  # the service's clock, far from ours
    moment = str(int(date) + int(reset)) if reset[0] in "+-" else reset
    headers = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": left, "x-ratelimit-reset": moment}
    limiter.observe_headers(headers, date)
    assert [round(limiter.wait_for_slot(), 6) for _ in range(3)] == waits


def test_reset_by_our_clock_where_the_service_tells_no_date(clock):
    """Without a date of the service our own is the next best."""
    limiter = RateLimiter(clock.client_clock())
    reset = str(int(clock.wall) + 30)
    limiter.observe_headers(
        {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, None
    )
    assert limiter.wait_for_slot() == 30
