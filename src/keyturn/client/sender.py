"""Sending with rate limit, retries and statistics, shared by all workers of a client."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import Protocol, TypeVar

from msgspec import Struct, field

from keyturn.client.classify import classify_response
from keyturn.client.errors import ErrorDetails, NotSent, OutcomeUnknown, ServiceError, Withheld
from keyturn.client.messages import ClientClock, Request, Response
from keyturn.client.rate_limiter import RateLimiter
from keyturn.client.records import RequestStats
from keyturn.client.retry import CircuitBreaker, GiveUp, RequestAttempt, RetryBudget, decide_retry
from keyturn.model.clock import WaitInterruptedError

T = TypeVar("T")


class ConcurrencyLimit(Struct, frozen=True, kw_only=True):
    """Limits the requests in flight, and the writes to those still permitted.

    A request holds one of ``slots`` until the last byte of its response. ``may_write`` is called before each
    write, after the wait for a slot, because the wait may be long.
    """

    slots: AbstractContextManager[object] = field(default_factory=nullcontext)
    may_write: Callable[[], bool] = lambda: True

    @contextmanager
    def acquire_slot(self, request: Request) -> Iterator[None]:
        """Wait for a slot and hold it; raises Withheld for a write that is no longer permitted."""
        with self.slots:
            if request.is_write and not self.may_write():
                raise Withheld(request)
            yield


class RequestTransport(Protocol):
    """Sends a request to the service once."""

    def send(self, request: Request, concurrency_limit: ConcurrencyLimit) -> Response:
        """Return the response of any status; raises ServiceError without a response.

        Sends only while it holds a slot of ``concurrency_limit``.
        """

    def close(self) -> None:
        """Close all connections."""


class RetryingSender:
    """Sends requests through a transport and retries them; thread-safe."""

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
        """The count of operations that failed in a row."""
        return self._circuit_breaker

    @property
    def server_date(self) -> float | None:
        """The service's clock (Unix) at its latest response, None if unknown."""
        return self._server_date

    @property
    def has_succeeded(self) -> bool:
        """Whether any request got a 2xx response."""
        return self._has_succeeded

    @property
    def request_stats(self) -> RequestStats:
        """Statistics of the requests so far."""
        with self._lock:
            return RequestStats(
                by_operation=MappingProxyType(dict(self._by_operation)),
                retries=self._retry_budget.retries,
                seconds_waited=self._seconds_waited,
            )

    def send(self, request: Request, *, idempotent: bool) -> Response:
        """Return a 2xx response to ``request``; raises ServiceError if all attempts fail.

        ``idempotent``: a request with an unknown outcome may be sent again. Reads always may.
        """
        return self.send_and_decode(request, lambda response: response, idempotent=idempotent)

    def send_and_decode(
        self,
        request: Request,
        decode: Callable[[Response], T],
        *,
        idempotent: bool,
        is_unapplied: Callable[[], bool] = lambda: False,
    ) -> T:
        """Return ``decode`` of a 2xx response; an error that ``decode`` raises is subject to retries, too.

        ``is_unapplied`` is called after each unknown outcome of a request that is not ``idempotent``. It
        returns True only if the request certainly was not applied; then the request is sent again. The
        raised error has in ``may_be_applied`` whether any of the attempts may have been applied. An
        interrupted wait ends the attempts.
        """
        number = 1
        error: ServiceError | None = None
        while True:
            try:
                result = self._send_once(request, number, decode)
            except WaitInterruptedError:
                raise error or _build_interrupt_error(request) from None
            if not isinstance(result, ServiceError):
                return result
            if isinstance(result, Withheld):
                raise error or result
            result.may_be_applied |= error is not None and error.may_be_applied
            error = result
            may_repeat = (
                idempotent or request.is_read or (isinstance(error, OutcomeUnknown) and is_unapplied())
            )
            jitter = self._clock.random_fraction()
            attempt = RequestAttempt(number=number, idempotent=may_repeat, jitter=jitter)
            decision = decide_retry(attempt, error, self._retry_budget)
            # The service's limit applies to all workers, so all of them wait.
            self._rate_limiter.pause(error.retry_after or 0.0)
            if isinstance(decision, GiveUp):
                self._record_result(error)
                raise error
            self._wait_for_retry(decision.seconds, error)
            number += 1

    def _wait_for_retry(self, seconds: float, error: ServiceError) -> None:
        try:
            self._clock.sleep(seconds)
        except WaitInterruptedError:
            raise error from None

    def _send_once(self, request: Request, number: int, decode: Callable[[Response], T]) -> T | ServiceError:
        waited = self._rate_limiter.wait_for_slot()
        response: Response | ServiceError
        try:
            response = self._transport.send(request, self.concurrency_limit)
        except Withheld as error:
            return error
        except ServiceError as error:
            response = error
        with self._lock:
            self._by_operation[request.operation] += 1
            self._seconds_waited += waited
            self._retry_budget = self._retry_budget.after_attempt(number)
        if isinstance(response, ServiceError):
            return response
        self._rate_limiter.observe_headers(response.headers, response.date)
        self._server_date = self._server_date if response.date is None else response.date
        rejection = classify_response(request, response, self._clock.now())
        if rejection is not None:
            return rejection
        try:
            decoded = decode(response)
        except ServiceError as error:
            return error
        self._record_result(None)
        return decoded

    def _record_result(self, error: ServiceError | None) -> None:
        with self._lock:
            self._circuit_breaker = self._circuit_breaker.after_result(error)
            self._has_succeeded = self._has_succeeded or error is None
            self.unauthorized = self.unauthorized or (error is not None and error.status == 401)  # noqa: PLR2004


def _build_interrupt_error(request: Request) -> ServiceError:
    if request.is_write:
        return Withheld(request)
    return NotSent(request, ErrorDetails(reason="the run was interrupted"))
