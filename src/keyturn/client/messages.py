"""A request and its answer, as values."""

from collections.abc import Callable, Mapping

from msgspec import Struct, field

READ_METHODS = frozenset({"GET"})
TEST_OPERATION = "test"


class Request(Struct, frozen=True, kw_only=True):
    """One request.

    ``path`` is below the base URL, with ids percent-encoded; ``template`` names it without them, for
    messages. ``verb`` is what it is counted as. ``body`` may hold secrets and is never shown.
    ``patience`` is the seconds to wait for the answer, 0 for the usual.
    """

    method: str
    path: str
    path_template: str
    operation: str
    body: bytes | None = None
    query: tuple[tuple[str, str], ...] = ()
    timeout: float = 0

    def __repr__(self) -> str:
        # The body may hold secrets.
        return f"Call({self.method} {self.path})"

    @property
    def is_read(self) -> bool:
        """Whether the request changes nothing."""
        return self.method in READ_METHODS

    @property
    def is_write(self) -> bool:
        """Whether the request changes an object; a test of a connection does not."""
        return not self.is_read and self.operation != TEST_OPERATION

    @property
    def request_line(self) -> str:
        """The request as messages name it: ``PUT /api/connections/{id}``."""
        return f"{self.method} {self.path_template}"


class Response(Struct, frozen=True, kw_only=True):
    """One answer, whole: ``headers`` by lower-case name; ``date`` is the service's clock in Unix seconds."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    date: float | None = None

    def __repr__(self) -> str:
        # The body and the headers may echo secrets.
        return f"Reply(status={self.status}, {len(self.body)} bytes)"


class ClientClock(Struct, frozen=True, kw_only=True):
    """Time and chance, handed in: the API package has no clock of its own.

    ``monotonic`` and ``now`` (Unix) return seconds; ``sleep`` may raise to end a wait early;
    ``chance`` returns a number in [0, 1); ``gate`` is asked before each request goes out, with the
    request, and may raise to keep it back.
    """

    monotonic: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], None]
    random_fraction: Callable[[], float]
    gate: Callable[[Request], None] = lambda _call: None
