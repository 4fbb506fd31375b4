"""Rate limit, retries and statistics of sending."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from fake_clock import FakeClock
from keyturn.client.errors import (
    ErrorDetails,
    NotFound,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    Throttled,
    Withheld,
)
from keyturn.client.messages import Request, Response
from keyturn.client.retry import MIN_RETRY_BUDGET
from keyturn.client.sender import ConcurrencyLimit, RetryingSender
from keyturn.model.clock import WaitInterruptedError

READ = Request(
    method="GET", path="/api/credentials/1", path_template="/api/credentials/{id}", operation="read"
)
WRITE = Request(
    method="PUT",
    path="/api/credentials/1",
    path_template="/api/credentials/{id}",
    operation="update",
    body=b"{}",
)
FINE = Response(status=200, body=b"{}")


class ScriptedTransport:
    """A transport with a list of responses; an exception in it is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []
        self.closed = False

    def send(self, request, limit):
        """Return the next response; the last one is repeated."""
        with limit.acquire_slot(request):
            self.sent.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

    def close(self):
        """Record the call."""
        self.closed = True


def throttle(status=429, **headers):
    """Return a response that throttles."""
    return Response(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("failure", [throttle(), NotSent(READ)], ids=["throttled", "not sent"])
def test_what_was_not_applied_is_retried(clock, call, failure):
    """429 and no connection, for reads and writes, up to four attempts."""
    clock.chance = 0.5
    script = ScriptedTransport(failure, failure, failure, FINE)
    sender = RetryingSender(script, clock.client_clock())
    assert sender.send(call, idempotent=False) is FINE
    assert clock.naps == [0.25, 0.5, 1]
    assert sender.request_stats.by_operation == {call.operation: 4}
    assert sender.request_stats.retries == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 599])
def test_an_unknown_outcome_is_retried_only_if_allowed(clock, status):
    """A read is retried; a write only if idempotent."""
    for call, idempotent, sent in ((READ, False, 2), (WRITE, False, 1), (WRITE, True, 2)):
        script = ScriptedTransport(Response(status=status), FINE)
        sender = RetryingSender(script, clock.client_clock())
        if sent == 1:
            with pytest.raises(OutcomeUnknown):
                sender.send(call, idempotent=idempotent)
        else:
            assert sender.send(call, idempotent=idempotent) is FINE
        assert len(script.sent) == sent


@pytest.mark.parametrize(("is_unapplied", "sent"), [(True, 2), (False, 1)])
def test_a_create_is_retried_only_if_it_was_not_applied(clock, is_unapplied, sent):
    """``is_unapplied`` decides after each unknown outcome."""
    lookups = []
    script = ScriptedTransport(Response(status=500), Response(status=409))
    sender = RetryingSender(script, clock.client_clock())
    with pytest.raises(RequestRejected if is_unapplied else OutcomeUnknown) as caught:
        sender.send_and_decode(
            WRITE,
            lambda reply: reply,
            idempotent=False,
            is_unapplied=lambda: lookups.append(len(script.sent)) or is_unapplied,
        )
    assert (len(script.sent), sender.request_stats.retries, lookups) == (sent, sent - 1, [1])
    assert caught.value.may_be_applied


def test_a_response_that_cannot_be_decoded_is_retried(clock):
    """A later rejection still leaves the outcome unknown."""
    clock.chance = 0.5
    answers = [OutcomeUnknown(WRITE), RequestRejected(WRITE)]

    def decode(_):
        raise answers.pop(0)

    script = ScriptedTransport(FINE)
    sender = RetryingSender(script, clock.client_clock())
    with pytest.raises(RequestRejected) as caught:
        sender.send_and_decode(WRITE, decode, idempotent=True)
    assert (len(script.sent), clock.naps, sender.request_stats.retries) == (2, [0.25], 1)
    assert caught.value.may_be_applied


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_rejection_is_not_retried(clock, status):
    """One request is sent."""
    script = ScriptedTransport(Response(status=status))
    with pytest.raises(RequestRejected):
        RetryingSender(script, clock.client_clock()).send(READ, idempotent=True)
    assert len(script.sent) == 1


def test_the_last_of_four_errors_is_raised(clock):
    """Without the earlier ones as its context."""
    script = ScriptedTransport(throttle())
    with pytest.raises(Throttled) as caught:
        RetryingSender(script, clock.client_clock()).send(READ, idempotent=True)
    assert len(script.sent) == 4
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "least", "sent"),
    [("7", 7, 2), ("0", 0, 2), ("", 0, 2), ("soon", 0, 2), ("-3", 0, 2), ("300", 300, 2), ("301", 300, 1)],
)
def test_retry_after_is_respected(clock, text, least, sent):
    """In every format; too long a time gives up."""
    script = ScriptedTransport(throttle(retry_after=text), FINE)
    start = clock.time
    sender = RetryingSender(script, clock.client_clock())
    if sent == 1:
        with pytest.raises(Throttled):
            sender.send(WRITE, idempotent=False)
        sender.send(READ, idempotent=True)
    else:
        sender.send(WRITE, idempotent=False)
    assert clock.time - start >= least


def test_retry_after_applies_to_all_workers(clock):
    """Also after an unknown outcome."""
    for status in (429, 503):
        script = ScriptedTransport(throttle(status, retry_after="9"), FINE)
        sender = RetryingSender(script, clock.client_clock())
        start = clock.time
        if status == 503:
            with pytest.raises(OutcomeUnknown):
                sender.send(WRITE, idempotent=False)
        else:
            sender._send_once(WRITE, 1, lambda reply: reply)
            sender._rate_limiter.pause(9)
        sender.send(READ, idempotent=True)
        assert clock.time - start == 9


def test_the_retry_budget_of_a_run(clock):
    """A service that always throttles costs at most the budget."""
    script = ScriptedTransport(throttle())
    sender = RetryingSender(script, clock.client_clock())
    for _ in range(50):
        with pytest.raises(Throttled):
            sender.send(READ, idempotent=True)
    assert len(script.sent) == 50 + MIN_RETRY_BUDGET
    assert sender.request_stats.retries == MIN_RETRY_BUDGET


def test_the_circuit_breaker_counts_operations(clock):
    """Five operations, not five attempts; a response closes it."""
    script = ScriptedTransport(NotSent(READ))
    sender = RetryingSender(script, clock.client_clock())
    for count in range(1, 6):
        assert not sender.circuit_breaker.is_open
        with pytest.raises(NotSent):
            sender.send(READ, idempotent=True)
        assert sender.circuit_breaker.failures == count
    assert sender.circuit_breaker.is_open
    script.answers = [Response(status=404)]
    with pytest.raises(NotFound):
        sender.send(READ, idempotent=True)
    assert not sender.circuit_breaker.is_open
    assert not sender.has_succeeded
    script.answers = [FINE]
    sender.send(READ, idempotent=True)
    assert sender.has_succeeded


def test_a_write_without_permission_is_withheld(clock):
    """Reads and connection tests are still sent."""
    script = ScriptedTransport(FINE)
    sender = RetryingSender(script, clock.client_clock())
    sender.concurrency_limit = ConcurrencyLimit(may_write=lambda: False)
    with pytest.raises(Withheld):
        sender.send(WRITE, idempotent=True)
    assert (script.sent, sender.request_stats.by_operation) == ([], {})
    for call in (READ, replace(WRITE, method="POST", operation="test")):
        assert sender.send(call, idempotent=True) is FINE


def test_a_withheld_retry_raises_the_earlier_error(clock):
    """The outcome of the first attempt stays unknown."""
    permissions = iter((True, False))
    script = ScriptedTransport(throttle(500))
    sender = RetryingSender(script, clock.client_clock())
    sender.concurrency_limit = ConcurrencyLimit(may_write=lambda: next(permissions))
    with pytest.raises(OutcomeUnknown):
        sender.send(WRITE, idempotent=True)
    assert len(script.sent) == 1


def test_the_clock_of_the_service(clock):
    """The latest date counts, also of errors."""
    script = ScriptedTransport(Response(status=200, date=5.0), Response(status=404, date=7.0), FINE)
    sender = RetryingSender(script, clock.client_clock())
    assert sender.server_date is None
    sender.send(READ, idempotent=True)
    assert sender.server_date == 5
    with pytest.raises(NotFound):
        sender.send(READ, idempotent=True)
    sender.send(READ, idempotent=True)
    assert sender.server_date == 7


def test_the_rate_of_the_project(clock):
    """It applies to all requests, and the wait is in the statistics."""
    sender = RetryingSender(ScriptedTransport(FINE), clock.client_clock(), rate=2)
    start = clock.time
    for _ in range(6):
        sender.send(READ, idempotent=True)
    assert clock.time - start == 2
    assert sender.request_stats.seconds_waited == 2


def test_headroom_is_kept(clock):
    """The last fifth of the service's limit is used slowly."""
    low = Response(
        status=200,
        date=1_000.0,
        headers={"x-ratelimit-limit": "100", "x-ratelimit-remaining": "10", "x-ratelimit-reset": "1040"},
    )
    sender = RetryingSender(ScriptedTransport(low, FINE), clock.client_clock())
    start = clock.time
    for _ in range(3):
        sender.send(READ, idempotent=True)
    assert clock.time - start == 8


def test_statistics_are_exact_with_threads():
    """Thirty-two workers lose no count."""
    clock = FakeClock()
    script = ScriptedTransport(FINE)
    sender = RetryingSender(script, clock.client_clock())
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda _: sender.send(WRITE, idempotent=False), range(2000)))
    assert sender.request_stats.by_operation == {"update": 2000}
    assert sender.request_stats.total_requests == 2000
    assert sender._retry_budget.requests == 2000


def test_the_error_of_the_transport_is_raised(clock):
    """The same object."""
    error = OutcomeUnknown(WRITE, ErrorDetails(reason="the connection broke"))
    with pytest.raises(OutcomeUnknown) as caught:
        RetryingSender(ScriptedTransport(error), clock.client_clock()).send(WRITE, idempotent=False)
    assert caught.value is error


def interrupt_at(clock, number):
    """Return the client clock; its sleep number ``number`` (from 1) and each later one is interrupted."""

    def sleep(seconds):
        clock.sleep(seconds)
        if len(clock.naps) >= number:
            raise WaitInterruptedError

    return replace(clock.client_clock(), sleep=sleep)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("call", "answer", "expected"),
    [
        (READ, throttle(), Throttled),
        (WRITE, throttle(), Throttled),
        (WRITE, NotSent(WRITE), NotSent),
        (READ, Response(status=500), OutcomeUnknown),
        (WRITE, Response(status=500), OutcomeUnknown),
    ],
)
def test_an_interrupted_retry_ends_with_the_last_error(clock, number, call, answer, expected):
    """No further attempt, and the outcome stays as uncertain as it was."""
    clock.chance = 0.5
    script = ScriptedTransport(answer)
    sender = RetryingSender(script, interrupt_at(clock, number))
    with pytest.raises(expected) as caught:
        sender.send(call, idempotent=True)
    assert len(script.sent) == number
    assert caught.value.may_be_applied == (call is WRITE and expected is OutcomeUnknown)


@pytest.mark.parametrize(("call", "expected"), [(READ, NotSent), (WRITE, Withheld)])
def test_an_interrupted_wait_for_the_rate_limit_sends_nothing(clock, call, expected):
    """Neither a read nor a write; nothing may have been applied."""
    script = ScriptedTransport(FINE)
    sender = RetryingSender(script, interrupt_at(clock, 1))
    sender._rate_limiter.pause(60)
    with pytest.raises(expected) as caught:
        sender.send(call, idempotent=True)
    assert script.sent == []
    assert not caught.value.may_be_applied


def test_an_interrupted_pause_of_a_retry_keeps_the_outcome(clock):
    """The first attempt may have been applied; another worker's pause delays the second one."""
    script = ScriptedTransport(Response(status=500), FINE)
    sender = RetryingSender(script, interrupt_at(clock, 2))
    clock.chance = 0.01
    sender._rate_limiter.pause(0.001)
    with pytest.raises(OutcomeUnknown) as caught:
        sender.send(WRITE, idempotent=True)
    assert caught.value.may_be_applied
