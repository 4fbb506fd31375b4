"""Asking until there is an answer: pace, repetition, counting."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from breaking import Clock
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


class Script:
    """An exchange that answers from a list; an exception in it is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []
        self.closed = False

    def send(self, call, admission):
        """Give the next answer; the last one for ever."""
        with admission.acquire_slot(call):
            self.sent.append(call)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

    def close(self):
        """Remember it."""
        self.closed = True


def put_off(status=429, **headers):
    """Return an answer that puts off."""
    return Response(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("trouble", [put_off(), NotSent(READ)], ids=["busy", "unreachable"])
def test_what_was_not_done_is_asked_again(clock, call, trouble):
    """429 and no connection: again, for reads and writes, up to four times in all."""
    clock.chance = 0.5
    script = Script(trouble, trouble, trouble, FINE)
    attempts = RetryingSender(script, clock.client_clock())
    assert attempts.send(call, idempotent=False) is FINE
    assert clock.naps == [0.25, 0.5, 1]
    assert attempts.request_stats.by_operation == {call.operation: 4}
    assert attempts.request_stats.retries == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 599])
def test_an_unknown_outcome_is_asked_again_only_where_that_is_allowed(clock, status):
    """A read is; a write is not, unless the caller says that twice is the same."""
    for call, idempotent, sent in ((READ, False, 2), (WRITE, False, 1), (WRITE, True, 2)):
        script = Script(Response(status=status), FINE)
        attempts = RetryingSender(script, clock.client_clock())
        if sent == 1:
            with pytest.raises(OutcomeUnknown):
                attempts.send(call, idempotent=idempotent)
        else:
            assert attempts.send(call, idempotent=idempotent) is FINE
        assert len(script.sent) == sent


@pytest.mark.parametrize(("unapplied", "sent"), [(True, 2), (False, 1)])
def test_a_create_is_repeated_only_when_it_certainly_was_not_applied(clock, unapplied, sent):
    """The caller looks after each unknown outcome; a repetition waits and is counted like any other."""
    looked = []
    script = Script(Response(status=500), Response(status=409))
    attempts = RetryingSender(script, clock.client_clock())
    with pytest.raises(RequestRejected if unapplied else OutcomeUnknown) as caught:
        attempts.send_and_decode(
            WRITE,
            lambda reply: reply,
            idempotent=False,
            is_unapplied=lambda: looked.append(len(script.sent)) or unapplied,
        )
    assert (len(script.sent), attempts.request_stats.retries, looked) == (sent, sent - 1, [1])
    assert caught.value.may_be_applied


def test_an_answer_that_cannot_be_decoded_is_repeated_like_a_lost_one(clock):
    """Decoding is a part of the attempt; a refusal that follows still leaves the outcome unknown."""
    clock.chance = 0.5
    answers = [OutcomeUnknown(WRITE), RequestRejected(WRITE)]

    def decode(_):
        raise answers.pop(0)

    script = Script(FINE)
    attempts = RetryingSender(script, clock.client_clock())
    with pytest.raises(RequestRejected) as caught:
        attempts.send_and_decode(WRITE, decode, idempotent=True)
    assert (len(script.sent), clock.naps, attempts.request_stats.retries) == (2, [0.25], 1)
    assert caught.value.may_be_applied


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_taken_at_its_word(clock, status):
    """No second try for what was refused."""
    script = Script(Response(status=status))
    with pytest.raises(RequestRejected):
        RetryingSender(script, clock.client_clock()).send(READ, idempotent=True)
    assert len(script.sent) == 1


def test_four_attempts_and_the_last_error(clock):
    """After the fourth the error is the caller's, without the earlier ones."""
    script = Script(put_off())
    with pytest.raises(Throttled) as caught:
        RetryingSender(script, clock.client_clock()).send(READ, idempotent=True)
    assert len(script.sent) == 4
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "least", "sent"),
    [("7", 7, 2), ("0", 0, 2), ("", 0, 2), ("soon", 0, 2), ("-3", 0, 2), ("300", 300, 2), ("301", 300, 1)],
)
def test_never_sooner_than_asked(clock, text, least, sent):
    """However the service puts it; and what is too long is not waited for at all."""
    script = Script(put_off(retry_after=text), FINE)
    begun = clock.time
    attempts = RetryingSender(script, clock.client_clock())
    if sent == 1:
        with pytest.raises(Throttled):
            attempts.send(WRITE, idempotent=False)
        attempts.send(READ, idempotent=True)
    else:
        attempts.send(WRITE, idempotent=False)
    assert clock.time - begun >= least


def test_all_workers_wait_when_one_is_asked_to(clock):
    """A wait that the service asks for holds for every request, and also after an unknown outcome."""
    for status in (429, 503):
        script = Script(put_off(status, retry_after="9"), FINE)
        attempts = RetryingSender(script, clock.client_clock())
        begun = clock.time
        if status == 503:
            with pytest.raises(OutcomeUnknown):
                attempts.send(WRITE, idempotent=False)
        else:
            attempts._send_once(WRITE, 1, lambda reply: reply)
            attempts._rate_limiter.pause(9)
        attempts.send(READ, idempotent=True)
        assert clock.time - begun == 9


def test_the_budget_of_a_run(clock):
    """A service that always puts off costs ten requests more, and a tenth, not three for each."""
    script = Script(put_off())
    attempts = RetryingSender(script, clock.client_clock())
    for _ in range(50):
        with pytest.raises(Throttled):
            attempts.send(READ, idempotent=True)
    assert len(script.sent) == 50 + MIN_RETRY_BUDGET
    assert attempts.request_stats.retries == MIN_RETRY_BUDGET


def test_the_breaker_counts_operations(clock):
    """Five operations that failed in a row open it, not five attempts; an answer closes it."""
    script = Script(NotSent(READ))
    attempts = RetryingSender(script, clock.client_clock())
    for count in range(1, 6):
        assert not attempts.circuit_breaker.is_open
        with pytest.raises(NotSent):
            attempts.send(READ, idempotent=True)
        assert attempts.circuit_breaker.failures == count
    assert attempts.circuit_breaker.is_open
    script.answers = [Response(status=404)]
    with pytest.raises(NotFound):
        attempts.send(READ, idempotent=True)
    assert not attempts.circuit_breaker.is_open
    assert not attempts.has_succeeded
    script.answers = [FINE]
    attempts.send(READ, idempotent=True)
    assert attempts.has_succeeded


def test_a_write_that_is_not_allowed_any_more_is_kept_back(clock):
    """Reads and tests of connections go on: they change nothing."""
    script = Script(FINE)
    attempts = RetryingSender(script, clock.client_clock())
    attempts.concurrency_limit = ConcurrencyLimit(may_write=lambda: False)
    with pytest.raises(Withheld):
        attempts.send(WRITE, idempotent=True)
    assert (script.sent, attempts.request_stats.by_operation) == ([], {})
    for call in (READ, replace(WRITE, method="POST", operation="test")):
        assert attempts.send(call, idempotent=True) is FINE


def test_a_repetition_that_is_not_allowed_ends_in_the_doubt_before(clock):
    """What became of the first is not known, and that nothing more was sent does not change it."""
    leave = iter((True, False))
    script = Script(put_off(500))
    attempts = RetryingSender(script, clock.client_clock())
    attempts.concurrency_limit = ConcurrencyLimit(may_write=lambda: next(leave))
    with pytest.raises(OutcomeUnknown):
        attempts.send(WRITE, idempotent=True)
    assert len(script.sent) == 1


def test_the_service_s_clock(clock):
    """The latest date is kept, of errors too; an answer without one leaves it."""
    script = Script(Response(status=200, date=5.0), Response(status=404, date=7.0), FINE)
    attempts = RetryingSender(script, clock.client_clock())
    assert attempts.server_date is None
    attempts.send(READ, idempotent=True)
    assert attempts.server_date == 5
    with pytest.raises(NotFound):
        attempts.send(READ, idempotent=True)
    attempts.send(READ, idempotent=True)
    assert attempts.server_date == 7


def test_the_pace_of_the_project(clock):
    """A rate of two a second holds for all requests, and what was waited is told."""
    attempts = RetryingSender(Script(FINE), clock.client_clock(), rate=2)
    begun = clock.time
    for _ in range(6):
        attempts.send(READ, idempotent=True)
    assert clock.time - begun == 2
    assert attempts.request_stats.seconds_waited == 2


def test_head_room_is_left(clock):
    """Where the service tells its limit, the last fifth of it is used slowly."""
    low = Response(
        status=200,
        date=1_000.0,
        headers={"x-ratelimit-limit": "100", "x-ratelimit-remaining": "10", "x-ratelimit-reset": "1040"},
    )
    attempts = RetryingSender(Script(low, FINE), clock.client_clock())
    begun = clock.time
    for _ in range(3):
        attempts.send(READ, idempotent=True)
    assert clock.time - begun == 8


def test_counting_is_exact_among_threads():
    """Thirty-two workers lose no count."""
    clock = Clock()
    script = Script(FINE)
    attempts = RetryingSender(script, clock.client_clock())
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda _: attempts.send(WRITE, idempotent=False), range(2000)))
    assert attempts.request_stats.by_operation == {"update": 2000}
    assert attempts.request_stats.total_requests == 2000
    assert attempts._retry_budget.requests == 2000


def test_facts_of_the_last_error_survive(clock):
    """The error that is raised is the one that the exchange gave."""
    error = OutcomeUnknown(WRITE, ErrorDetails(reason="the connection broke"))
    with pytest.raises(OutcomeUnknown) as caught:
        RetryingSender(Script(error), clock.client_clock()).send(WRITE, idempotent=False)
    assert caught.value is error
