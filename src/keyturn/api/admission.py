"""Whose turn it is to send: a bound on what is under way, and a last question before each write."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from msgspec import Struct, field

from keyturn.api.call import Request, Response
from keyturn.api.errors import Withheld


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
