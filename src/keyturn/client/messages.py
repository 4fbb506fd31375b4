"""Requests, responses and the client's clock, as values."""

from collections.abc import Callable, Mapping

from msgspec import Struct, field

READ_METHODS = frozenset({"GET"})
TEST_OPERATION = "test"


class Request(Struct, frozen=True, kw_only=True):
    """One request.

    ``path`` is below the base URL and has percent-encoded IDs; ``path_template`` has ``{id}`` instead, for
    messages. ``operation`` is the name in the request statistics. ``body`` may contain secrets and is never
    shown. ``timeout`` is in seconds, 0 for the default.
    """

    method: str
    path: str
    path_template: str
    operation: str
    body: bytes | None = None
    query: tuple[tuple[str, str], ...] = ()
    timeout: float = 0

    def __repr__(self) -> str:
        # The body may contain secrets.
        return f"Request({self.method} {self.path})"

    @property
    def is_read(self) -> bool:
        """Whether the request changes nothing."""
        return self.method in READ_METHODS

    @property
    def is_write(self) -> bool:
        """Whether the request changes an object; a connection test does not."""
        return not self.is_read and self.operation != TEST_OPERATION

    @property
    def request_line(self) -> str:
        """Method and path template, for messages: ``PUT /api/connections/{id}``."""
        return f"{self.method} {self.path_template}"


class Response(Struct, frozen=True, kw_only=True):
    """One complete response.

    ``headers`` have lower-case names. ``date`` is the service's clock in Unix seconds.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    date: float | None = None

    def __repr__(self) -> str:
        # The body and the headers may echo secrets.
        return f"Response(status={self.status}, {len(self.body)} bytes)"


class ClientClock(Struct, frozen=True, kw_only=True):
    """Clock and random numbers of a client, injected by the caller.

    ``monotonic`` and ``now`` (Unix) return seconds. ``sleep`` may raise WaitInterruptedError.
    ``random_fraction`` returns a number in [0, 1).
    """

    monotonic: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], None]
    random_fraction: Callable[[], float]
