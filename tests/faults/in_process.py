"""The emulator called as a function, without sockets and threads.

Faults of the connection become the errors that httpx raises. ``test_sockets.py`` has the same faults
on real sockets.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from keyturn.client.messages import Request, Response
from keyturn.client.retry import parse_http_date
from keyturn.client.sender import ConcurrencyLimit, RequestTransport
from keyturn.client.transport import classify_transport_error
from planasonix_emulator.app import EmulatorApp
from planasonix_emulator.server import Emulator, EmulatorOptions
from planasonix_emulator.settings import EmulatorSettings
from planasonix_emulator.testing.control_client import CONTROL_PREFIX, CONTROL_TOKEN_HEADER
from planasonix_emulator.testing.faults import WRITE_METHODS

TEST_PATH = "/api/connections/test"
T = TypeVar("T")


def is_write(method: str, path: str) -> bool:
    """Return whether a request may change something; a connection test does not."""
    return method in WRITE_METHODS and path != TEST_PATH


class InProcessEmulator(Emulator):
    """An emulator whose control API is called as a function."""

    def __init__(self, setup: EmulatorOptions, settings: EmulatorSettings) -> None:
        super().__init__(setup, settings)
        self._control = self.app.control

    def _exchange(self, method: str, operation: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {CONTROL_TOKEN_HEADER: self.token}
        response = self._control.respond(method, CONTROL_PREFIX + operation, headers, body or b"")
        return response.status_code, bytes(response.body)


class InlineExecutor(Executor):
    """An executor that runs each task at once on the calling thread."""

    def __init__(self, *_: object, **__: object) -> None:
        """Take whatever a pool of threads takes."""

    def submit(self, work: Callable[..., T], /, *given: Any, **named: Any) -> Future[T]:
        """Do it, and hand over what came of it."""
        future: Future[T] = Future()
        try:
            future.set_result(work(*given, **named))
        except BaseException as error:  # noqa: BLE001  # as a pool of threads does
            future.set_exception(error)
        return future


class InlineThread:
    """A thread that runs its target in ``start``."""

    def __init__(self, target: Callable[[], None], *, daemon: bool) -> None:
        """Take what a thread takes."""
        del daemon
        self._work = target

    def start(self) -> None:
        """Do it."""
        self._work()

    def join(self) -> None:
        """Wait for nothing."""


@dataclass
class ClockAdvancingTransport:
    """A transport whose requests each take 2 ms of a test's clock."""

    transport: RequestTransport
    advance: Callable[[float], None]

    def send(self, request: Request, concurrency_limit: ConcurrencyLimit) -> Response:
        """Let time pass, then send."""
        self.advance(0.002)
        return self.transport.send(request, concurrency_limit)

    def close(self) -> None:
        """Close the transport."""
        self.transport.close()


@dataclass
class InProcessTransport:
    """Sends requests to an ASGI application.

    ``crash_point`` is called before and after each request; ``before`` gets each request first.
    """

    app: EmulatorApp
    key: str
    crash_point: Callable[[str], None]
    before: Callable[[Request], None]
    lock: threading.Lock

    def send(self, call: Request, admission: ConcurrencyLimit) -> Response:
        """Return the answer, or raise as the transport does."""
        with admission.acquire_slot(call):
            return self._send(call)

    def _send(self, call: Request) -> Response:
        self.crash_point(f"{call.method} {call.path_template}")
        with self.lock:
            self.before(call)
            exchange = _AsgiExchange(call.body or b"")
            coroutine = self.app(self._scope(call), exchange.receive, exchange.send)
            try:
                coroutine.send(None)
            except StopIteration:
                pass
            else:
                coroutine.close()
                exchange.broken = True
        self.crash_point(f"{call.method} {call.path_template}, done")
        if exchange.broken or exchange.status == 0:
            raise classify_transport_error(call, httpx.ReadError("broken off"))
        return Response(
            status=exchange.status,
            body=b"".join(exchange.pieces),
            headers=exchange.headers,
            date=parse_http_date(exchange.headers.get("date", "")),
        )

    def close(self) -> None:
        """Let go of nothing."""

    def _scope(self, call: Request) -> dict[str, Any]:
        headers: Mapping[str, str] = {
            "authorization": f"Bearer {self.key}",
            "content-type": "application/json",
        }
        return {
            "type": "http",
            "method": call.method,
            "path": call.path,
            "query_string": urlencode(call.query).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }


class _AsgiExchange:
    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.broken = False

    async def receive(self) -> dict[str, Any]:
        if self._body is None:
            self.broken = True
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            self.headers = {name.decode().lower(): text.decode() for name, text in message["headers"]}
        else:
            self.pieces.append(message["body"])
