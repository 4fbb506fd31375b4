"""A network backend of httpcore that enforces a deadline for a whole request.

A socket timeout restarts with each byte, so a server that sends one byte a second would block a worker
for hours. httpx and httpcore pass timeouts through to the backend unchanged. There, ``RemainingTimeout``
shortens each read, write, connect and TLS handshake to the time before the deadline.

Checks between chunks of the response body are not enough: httpcore reads the head of a response, writes
a request body and performs the TLS handshake in loops of its own, each step with a fresh timeout. httpx
has no argument for a backend, so ``transport`` sets an attribute of httpx's pool.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Self

import httpcore

_WRITE_CHUNK_BYTES = 16_384


class RemainingTimeout(float):
    """A timeout in seconds with a deadline: a plain float for code that does not know the deadline."""

    __slots__ = ("_clock", "_deadline")

    def __new__(cls, seconds: float, _deadline: float, _clock: Callable[[], float]) -> Self:
        """Create the float ``seconds``."""
        return super().__new__(cls, seconds)

    def __init__(self, _seconds: float, deadline: float, clock: Callable[[], float]) -> None:
        self._deadline = deadline
        self._clock = clock

    def remaining_seconds(self) -> float:
        """Return the seconds that a wait may take now; 0 or less after the deadline."""
        return min(float(self), self._deadline - self._clock())


class DeadlineBackend(httpcore.NetworkBackend):
    """A network backend whose connections enforce the deadline of each request."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect and return the connection; raises ConnectTimeout after the deadline."""
        remaining = _require_remaining(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.connect_tcp(host, port, remaining, local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        """Wait between connection attempts; unused, because httpx' retries are off."""
        self._inner.sleep(seconds)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._buffered = b""
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        pending, self._buffered = self._buffered, b""
        # As in httpcore: a server may respond and close before it has read the whole request.
        with suppress(httpcore.WriteError):
            for start in range(0, len(pending), _WRITE_CHUNK_BYTES):
                self._inner.write(
                    pending[start : start + _WRITE_CHUNK_BYTES],
                    _require_remaining(self._write_timeout, httpcore.WriteTimeout),
                )
        return self._inner.read(max_bytes, _require_remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Buffered until the first read: one write for head and body costs half as much.
        self._buffered += buffer
        self._write_timeout = timeout

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        remaining = _require_remaining(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, remaining))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _require_remaining(timeout: float | None, timeout_error: type[Exception]) -> float | None:
    if not isinstance(timeout, RemainingTimeout):
        return timeout
    remaining = timeout.remaining_seconds()
    if remaining <= 0:
        raise timeout_error
    return remaining
