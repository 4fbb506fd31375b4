"""Asking until there is an answer: pace, repetition and counting, shared by all workers of a client."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import Protocol, TypeVar

from msgspec import Struct, field

from keyturn.client.classify import classify_response
from keyturn.client.errors import OutcomeUnknown, ServiceError, Withheld
from keyturn.client.messages import ClientClock, Request, Response
from keyturn.client.rate_limiter import RateLimiter
from keyturn.client.records import RequestStats
from keyturn.client.retry import CircuitBreaker, GiveUp, RequestAttempt, RetryBudget, decide_retry


class ConcurrencyLimit(Struct, frozen=True, kw_only=True):
    """Who may send now.

    A request holds one of ``places`` until the last byte of its answer is there. ``allowed`` is asked
    in its turn, before each write, for a turn may be long in coming.
    """

    slots: AbstractContextManager[object] = field(default_factory=nullcontext)
    may_write: Callable[[], bool] = lambda: True

    @contextmanager
    def acquire_slot(self, request: Request) -> Iterator[None]:
        """Wait for a place, and hold it; raises KeptBack for a write that is no longer allowed."""
        with self.slots:
            if request.is_write and not self.may_write():
                raise Withheld(request)
            yield


class RequestTransport(Protocol):
    """What carries a request to the service: the transport, or a stand-in of a test."""

    def send(self, request: Request, concurrency_limit: ConcurrencyLimit) -> Response:
        """Return the answer, whatever its status; raises ServiceError where there is none.

        Nothing is sent but in a turn that ``admission`` gives.
        """

    def close(self) -> None:
        """Let go of all connections."""


T = TypeVar("T")


class RetryingSender:
    """Sends calls through an exchange; what it counts is safe to read from any thread."""

    def __init__(self, transport: RequestTransport, clock: ClientClock, rate: float = 0) -> None:
        self._transport = transport
        self._clock = clock
        self._rate_limiter = RateLimiter(clock, rate)
        self._lock = threading.Lock()
        self._by_operation: Counter[str] = Counter()
        self._seconds_waited = 0.0
        self._retry_budget = RetryBudget()
        self._circuit_breaker = CircuitBreaker()
        self._server_date: float | None = None
        self._has_succeeded = False
        self.unauthorized = False
        self.concurrency_limit = ConcurrencyLimit()

    @property
    def circuit_breaker(self) -> CircuitBreaker:
        """Operations that failed in a row, so far."""
        return self._circuit_breaker

    @property
    def server_date(self) -> float | None:
        """The service's clock (Unix) at its latest answer, None where it tells none."""
        return self._server_date

    @property
    def has_succeeded(self) -> bool:
        """Whether any request was answered with 2xx yet."""
        return self._has_succeeded

    @property
    def request_stats(self) -> RequestStats:
        """What was sent so far."""
        with self._lock:
            return RequestStats(
                by_operation=MappingProxyType(dict(self._by_operation)),
                retries=self._retry_budget.retries,
                seconds_waited=self._seconds_waited,
            )

    def send(self, request: Request, *, idempotent: bool) -> Response:
        """Return a 2xx answer to ``call``; raises ServiceError when there is none after all attempts.

        ``idempotent``: a request whose outcome is unknown may be sent again. Reads always are.
        """
        return self.send_and_decode(request, lambda reply: reply, idempotent=idempotent)

    def send_and_decode(
        self,
        call: Request,
        decode: Callable[[Response], T],
        *,
        idempotent: bool,
        is_unapplied: Callable[[], bool] = lambda: False,
    ) -> T:
        """Return what ``decode`` makes of a 2xx answer. An error that ``decode`` raises may be repeated, too.

        ``is_unapplied`` is called after each unknown outcome of a request that is not ``idempotent``. It
        returns True only when the request certainly was not applied; then the request is sent again.
        The error that is raised says in ``may_be_applied`` whether any of the attempts may have worked.
        """
        number = 1
        last: ServiceError | None = None
        while True:
            answer = self._send_once(call, number, decode)
            if not isinstance(answer, ServiceError):
                return answer
            if isinstance(answer, Withheld):
                raise last or answer
            answer.may_be_applied |= last is not None and last.may_be_applied
            last = answer
            repeats = idempotent or call.is_read or (isinstance(answer, OutcomeUnknown) and is_unapplied())
            attempt = RequestAttempt(number=number, idempotent=repeats, jitter=self._clock.random_fraction())
            step = decide_retry(attempt, answer, self._retry_budget)
            # Whoever was told to wait, all workers do: a repetition, and whatever looks for its outcome.
            self._rate_limiter.pause(answer.retry_after or 0.0)
            if isinstance(step, GiveUp):
                self._record_result(answer)
                raise answer
            self._clock.sleep(step.seconds)
            number += 1

    def _send_once(self, request: Request, number: int, decode: Callable[[Response], T]) -> T | ServiceError:
        waited = self._rate_limiter.wait_for_slot()
        self._clock.gate(request)
        reply: Response | ServiceError
        try:
            reply = self._transport.send(request, self.concurrency_limit)
        except Withheld as error:
            return error
        except ServiceError as error:
            reply = error
        with self._lock:
            self._by_operation[request.operation] += 1
            self._seconds_waited += waited
            self._retry_budget = self._retry_budget.after_attempt(number)
        if isinstance(reply, ServiceError):
            return reply
        self._rate_limiter.observe_headers(reply.headers, reply.date)
        self._server_date = self._server_date if reply.date is None else reply.date
        verdict = classify_response(request, reply, self._clock.now())
        if verdict is not None:
            return verdict
        try:
            decoded = decode(reply)
        except ServiceError as error:
            return error
        self._record_result(None)
        return decoded

    def _record_result(self, error: ServiceError | None) -> None:
        with self._lock:
            self._circuit_breaker = self._circuit_breaker.after_result(error)
            self._has_succeeded = self._has_succeeded or error is None
            self.unauthorized = self.unauthorized or (error is not None and error.status == 401)  # noqa: PLR2004
