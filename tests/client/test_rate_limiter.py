"""The rate limiter that all workers share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.messages import ClientClock
from keyturn.client.rate_limiter import RateLimiter, RateState


def reserve_slots(state, now, count):
    """Return the start times of ``count`` simultaneous requests, and the state after them."""
    starts = []
    for _ in range(count):
        state, wait = state.reserve_slot(now)
        starts.append(now + wait)
    return state, starts


def test_no_wait_without_a_rate():
    """All requests start at once."""
    assert reserve_slots(RateState(), 50, 100)[1] == [50] * 100


def test_a_burst_of_one_second():
    """At eight a second, eight start at once, then one every eighth of a second."""
    _, starts = reserve_slots(RateState(rate=8), 50, 12)
    assert starts == [50] * 8 + [50.125, 50.25, 50.375, 50.5]


def test_less_than_one_request_a_second():
    """There is no burst."""
    assert reserve_slots(RateState(rate=0.5), 50, 3)[1] == [50, 52, 54]


@given(rate=st.floats(0.5, 200), gaps=st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_the_rate_is_never_exceeded(rate, gaps):
    """Any span has at most its share of requests plus one burst."""
    state, now, starts = RateState(rate=rate), 50.0, []
    for gap in gaps:
        now += gap
        state, wait = state.reserve_slot(now)
        assert wait >= 0
        starts.append(now + wait)
    starts.sort()
    for first in range(len(starts)):
        for last in range(first, len(starts)):
            allowed = rate * (starts[last] - starts[first]) + max(1, rate) + 1e-6
            assert last - first + 1 <= allowed + 1


def test_a_pause_applies_to_all_requests():
    """A shorter pause does not shorten it."""
    state = RateState().with_pause(60).with_pause(55)
    assert reserve_slots(state, 50, 3)[1] == [60] * 3
    assert reserve_slots(state, 61, 1)[1] == [61]


def test_the_slow_rate_ends_at_the_reset():
    """Then the normal rate applies."""
    _, starts = reserve_slots(RateState().with_slow_rate(0.5, 60), 50, 8)
    assert starts == [50, 52, 54, 56, 58, 60, 60, 60]


def test_less_than_one_request_until_the_reset():
    """One request starts now, the next one at the reset."""
    _, starts = reserve_slots(RateState(rate=10).with_slow_rate(0.001, 60), 50, 3)
    assert starts[:2] == [50, 60]
    assert 60 <= starts[2] <= 60.1


def test_a_pause_during_a_wait_extends_it(clock):
    """A worker checks for a pause after its sleep."""
    limiter = RateLimiter(clock.client_clock(), rate=0.5)
    limiter.wait_for_slot()

    def sleep(seconds):
        clock.sleep(seconds)
        if len(clock.naps) == 1:
            limiter.pause(7)

    real = clock.client_clock()
    limiter._clock = ClientClock(
        monotonic=real.monotonic, now=real.now, sleep=sleep, random_fraction=real.random_fraction
    )
    assert limiter.wait_for_slot() == 2 + 7
    assert clock.naps == [2, 7]


def test_a_pause_is_limited_to_five_minutes(clock):
    """However long the service asks for."""
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
def test_headroom_is_kept(clock, limit, left, reset, waits):
    """Below a fifth of the limit the rate is halved; invalid headers are ignored."""
    limiter = RateLimiter(clock.client_clock())
    date = 5_000_000.0  # the service's clock differs from the local one
    moment = str(int(date) + int(reset)) if reset[0] in "+-" else reset
    headers = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": left, "x-ratelimit-reset": moment}
    limiter.observe_headers(headers, date)
    assert [round(limiter.wait_for_slot(), 6) for _ in range(3)] == waits


def test_the_local_clock_replaces_a_missing_date(clock):
    """The reset is relative to the local clock."""
    limiter = RateLimiter(clock.client_clock())
    reset = str(int(clock.wall) + 30)
    limiter.observe_headers(
        {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, None
    )
    assert limiter.wait_for_slot() == 30
