"""Asking until there is an answer: pace, repetition and counting, shared by all workers of a client."""

import threading
from collections import Counter
from collections.abc import Callable
from types import MappingProxyType
from typing import TypeVar

from keyturn.api.admission import Admission, Exchange
from keyturn.api.call import Call, Reply, Tempo
from keyturn.api.errors import KeptBack, ServiceError, Unsure
from keyturn.api.judge import judged
from keyturn.api.limiter import Limiter
from keyturn.api.records import Figures
from keyturn.api.retry import Attempt, Breaker, Budget, GiveUp, next_step

T = TypeVar("T")


class Attempts:
    """Sends calls through an exchange; what it counts is safe to read from any thread."""

    def __init__(self, exchange: Exchange, tempo: Tempo, rate: float = 0) -> None:
        self._exchange = exchange
        self._tempo = tempo
        self._limiter = Limiter(tempo, rate)
        self._lock = threading.Lock()
        self._by_verb: Counter[str] = Counter()
        self._waited = 0.0
        self._budget = Budget()
        self._breaker = Breaker()
        self._date: float | None = None
        self._answered = False
        self.denied = False
        self.admission = Admission()

    @property
    def breaker(self) -> Breaker:
        """Operations that failed in a row, so far."""
        return self._breaker

    @property
    def server_date(self) -> float | None:
        """The service's clock (Unix) at its latest answer, None where it tells none."""
        return self._date

    @property
    def answered(self) -> bool:
        """Whether any request was answered with 2xx yet."""
        return self._answered

    @property
    def figures(self) -> Figures:
        """What was sent so far."""
        with self._lock:
            return Figures(
                by_verb=MappingProxyType(dict(self._by_verb)),
                repeated=self._budget.extra,
                waited=self._waited,
            )

    def send(self, call: Call, *, idempotent: bool) -> Reply:
        """Return a 2xx answer to ``call``; raises ServiceError when there is none after all attempts.

        ``idempotent``: a request whose outcome is unknown may be sent again. Reads always are.
        """
        return self.send_and_decode(call, lambda reply: reply, idempotent=idempotent)

    def send_and_decode(
        self,
        call: Call,
        decode: Callable[[Reply], T],
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
            answer = self._once(call, number, decode)
            if not isinstance(answer, ServiceError):
                return answer
            if isinstance(answer, KeptBack):
                raise last or answer
            answer.may_be_applied |= last is not None and last.may_be_applied
            last = answer
            repeats = idempotent or call.reads or (isinstance(answer, Unsure) and is_unapplied())
            attempt = Attempt(number=number, idempotent=repeats, chance=self._tempo.chance())
            step = next_step(attempt, answer, self._budget)
            # Whoever was told to wait, all workers do: a repetition, and whatever looks for its outcome.
            self._limiter.pause(answer.retry_after or 0.0)
            if isinstance(step, GiveUp):
                self._ended(answer)
                raise answer
            self._tempo.sleep(step.seconds)
            number += 1

    def _once(self, call: Call, number: int, decode: Callable[[Reply], T]) -> T | ServiceError:
        waited = self._limiter.take()
        self._tempo.gate(call)
        reply: Reply | ServiceError
        try:
            reply = self._exchange.send(call, self.admission)
        except KeptBack as error:
            return error
        except ServiceError as error:
            reply = error
        with self._lock:
            self._by_verb[call.verb] += 1
            self._waited += waited
            self._budget = self._budget.counted(number)
        if isinstance(reply, ServiceError):
            return reply
        self._limiter.heed(reply.headers, reply.date)
        self._date = self._date if reply.date is None else reply.date
        verdict = judged(call, reply, self._tempo.now())
        if verdict is not None:
            return verdict
        try:
            decoded = decode(reply)
        except ServiceError as error:
            return error
        self._ended(None)
        return decoded

    def _ended(self, error: ServiceError | None) -> None:
        with self._lock:
            self._breaker = self._breaker.after(error)
            self._answered = self._answered or error is None
            self.denied = self.denied or (error is not None and error.status == 401)  # noqa: PLR2004
