"""Asking again is a decision about values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.api.call import Call
from keyturn.api.errors import (
    Absent,
    Busy,
    Conflict,
    Denied,
    Facts,
    Incomplete,
    Malformed,
    Refused,
    Unreachable,
    Unsure,
    UntrustedCertificateError,
)
from keyturn.api.retry import (
    EXTRA_FLOOR,
    LONGEST_ASKED,
    LONGEST_BACKOFF,
    MOST_ATTEMPTS,
    Attempt,
    Breaker,
    Budget,
    GiveUp,
    Wait,
    asked_to_wait,
    next_step,
    unix_time,
)

POST = Call(method="POST", path="/api/credentials", template="/api/credentials", verb="create")
NOON = 784_111_777.0


def tried(number=1, *, idempotent=False, chance=0.5):
    """Return an attempt."""
    return Attempt(number=number, idempotent=idempotent, chance=chance)


@pytest.mark.parametrize(
    ("error", "blind", "idempotent"),
    [
        (Busy(POST), True, True),
        (Unreachable(POST), True, True),
        (UntrustedCertificateError(POST), False, False),
        (Unsure(POST), False, True),
        (Refused(POST), False, False),
        (Denied(POST, Facts(status=401)), False, False),
        (Absent(POST), False, False),
        (Conflict(POST), False, False),
        (Malformed(POST), False, False),
        (Incomplete(POST), False, False),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, Exception) else str(case),
)
def test_only_what_was_not_applied_is_repeated_blindly(error, blind, idempotent):
    """Not applied: again. Unknown: only where doing it twice is the same. Refused: never."""
    assert isinstance(next_step(tried(), error, Budget()), Wait) == blind
    assert isinstance(next_step(tried(idempotent=True), error, Budget()), Wait) == idempotent


def test_four_attempts_are_all():
    """The fourth failure is the last."""
    steps = [next_step(tried(number), Busy(POST), Budget()) for number in range(1, MOST_ATTEMPTS + 1)]
    assert [type(step) for step in steps] == [Wait, Wait, Wait, GiveUp]


def test_a_tenth_extra_and_no_fewer_than_ten():
    """The budget grows with what was sent, and is never below its floor."""
    budget = Budget()
    for _ in range(EXTRA_FLOOR):
        assert not budget.spent
        budget = budget.counted(2)
    assert budget.spent
    assert isinstance(next_step(tried(), Busy(POST), budget), GiveUp)
    for _ in range(109):
        budget = budget.counted(1)
    assert budget.spent
    assert not budget.counted(1).spent


@given(
    number=st.integers(1, MOST_ATTEMPTS - 1),
    chance=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.floats(0, 10_000),
)
def test_never_sooner_than_asked_and_never_longer_than_needed(number, chance, asked):
    """A wait is at least what the service asked for and at most half a minute more; too long gives up."""
    step = next_step(tried(number, chance=chance), Busy(POST, Facts(retry_after=asked)), Budget())
    if asked and asked > LONGEST_ASKED:
        assert isinstance(step, GiveUp)
    else:
        assert (asked or 0) <= step.seconds <= (asked or 0) + min(LONGEST_BACKOFF, 2 ** (number - 2))


def test_jitter_is_full_and_grows():
    """Chance spreads a wait over all of a span that doubles."""
    spans = [next_step(tried(number, chance=1), Busy(POST), Budget()).seconds for number in (1, 2, 3)]
    assert spans == [0.5, 1, 2]
    assert next_step(tried(chance=0), Busy(POST), Budget()) == Wait(0)


def test_five_failures_in_a_row_open_the_breaker():
    """Trouble counts, a refusal or a success ends the row."""
    breaker = Breaker()
    for error in (Unsure(POST), Unreachable(POST), Busy(POST), Malformed(POST)):
        breaker = breaker.after(error)
    assert not breaker.open
    assert breaker.after(Unsure(POST)).open
    assert breaker.after(None) == breaker.after(Conflict(POST)) == Breaker()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("1.5", 1.5),
        ("86400", 86_400),
        ("999999999999", 999_999_999_999),
        ("9999999999999", None),
        ("-5", None),
        ("+5", None),
        ("1e3", None),
        ("", None),
        ("soon", None),
        ("NaN", None),
        ("inf", None),
        ("١٢", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 06 Nov 1994 08:51:37 GMT", 120),
        ("Sat, 05 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
    ],
)
def test_retry_after_in_every_form(text, seconds):
    """Seconds and dates are read, the past is now, nonsense is nothing."""
    assert asked_to_wait(text, NOON) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", NOON),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
        ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_dates_of_http(text, moment):
    """The one form that servers must write is read, a leap second too."""
    assert unix_time(text) == moment
