"""The retry policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.errors import (
    Conflict,
    ErrorDetails,
    IncompleteResponse,
    InvalidResponse,
    NotFound,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    Throttled,
    Unauthorized,
    UntrustedCertificateError,
)
from keyturn.client.messages import Request
from keyturn.client.retry import (
    MAX_ATTEMPTS,
    MAX_BACKOFF,
    MAX_RETRY_AFTER,
    MIN_RETRY_BUDGET,
    CircuitBreaker,
    GiveUp,
    RequestAttempt,
    RetryAfter,
    RetryBudget,
    decide_retry,
    parse_http_date,
    parse_retry_after,
)

POST = Request(method="POST", path="/api/credentials", path_template="/api/credentials", operation="create")
NOON = 784_111_777.0


def build_attempt(number=1, *, idempotent=False, chance=0.5):
    """Return an attempt."""
    return RequestAttempt(number=number, idempotent=idempotent, jitter=chance)


@pytest.mark.parametrize(
    ("error", "blind", "idempotent"),
    [
        (Throttled(POST), True, True),
        (NotSent(POST), True, True),
        (UntrustedCertificateError(POST), False, False),
        (OutcomeUnknown(POST), False, True),
        (RequestRejected(POST), False, False),
        (Unauthorized(POST, ErrorDetails(status=401)), False, False),
        (NotFound(POST), False, False),
        (Conflict(POST), False, False),
        (InvalidResponse(POST), False, False),
        (IncompleteResponse(POST), False, False),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, Exception) else str(case),
)
def test_what_is_retried(error, blind, idempotent):
    """Not applied: always. Unknown outcome: only if idempotent. Rejected: never."""
    assert isinstance(decide_retry(build_attempt(), error, RetryBudget()), RetryAfter) == blind
    assert (
        isinstance(decide_retry(build_attempt(idempotent=True), error, RetryBudget()), RetryAfter)
        == idempotent
    )


def test_at_most_four_attempts():
    """The fourth failure is final."""
    steps = [
        decide_retry(build_attempt(number), Throttled(POST), RetryBudget())
        for number in range(1, MAX_ATTEMPTS + 1)
    ]
    assert [type(step) for step in steps] == [RetryAfter, RetryAfter, RetryAfter, GiveUp]


def test_the_retry_budget():
    """A tenth of the requests, at least ten."""
    budget = RetryBudget()
    for _ in range(MIN_RETRY_BUDGET):
        assert not budget.is_exhausted
        budget = budget.after_attempt(2)
    assert budget.is_exhausted
    assert isinstance(decide_retry(build_attempt(), Throttled(POST), budget), GiveUp)
    for _ in range(109):
        budget = budget.after_attempt(1)
    assert budget.is_exhausted
    assert not budget.after_attempt(1).is_exhausted


@given(
    number=st.integers(1, MAX_ATTEMPTS - 1),
    chance=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.floats(0, 10_000),
)
def test_the_range_of_a_delay(number, chance, asked):
    """At least ``retry_after``, at most the backoff more; too long gives up."""
    step = decide_retry(
        build_attempt(number, chance=chance), Throttled(POST, ErrorDetails(retry_after=asked)), RetryBudget()
    )
    if asked and asked > MAX_RETRY_AFTER:
        assert isinstance(step, GiveUp)
    else:
        assert (asked or 0) <= step.seconds <= (asked or 0) + min(MAX_BACKOFF, 2 ** (number - 2))


def test_full_jitter():
    """A delay is random within a span that doubles."""
    spans = [
        decide_retry(build_attempt(number, chance=1), Throttled(POST), RetryBudget()).seconds
        for number in (1, 2, 3)
    ]
    assert spans == [0.5, 1, 2]
    assert decide_retry(build_attempt(chance=0), Throttled(POST), RetryBudget()) == RetryAfter(0)


def test_five_failures_open_the_circuit_breaker():
    """A rejection or a success resets it."""
    breaker = CircuitBreaker()
    for error in (OutcomeUnknown(POST), NotSent(POST), Throttled(POST), InvalidResponse(POST)):
        breaker = breaker.after_result(error)
    assert not breaker.is_open
    assert breaker.after_result(OutcomeUnknown(POST)).is_open
    assert breaker.after_result(None) == breaker.after_result(Conflict(POST)) == CircuitBreaker()


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
def test_retry_after_in_every_format(text, seconds):
    """Seconds and dates; the past is 0, an invalid text is None."""
    assert parse_retry_after(text, NOON) == seconds


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
def test_http_dates(text, moment):
    """IMF-fixdate only, also with a leap second."""
    assert parse_http_date(text) == moment
