"""An end for a whole call, however slowly its bytes come.

A timeout of a socket starts anew with each byte, so a server that sends one byte a second would
hold a worker for hours. Timeouts are handed through the library untouched, down to where a socket
is read: there, ``Left`` says how long this read may take without passing the end of the call.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Self

import httpcore

_WRITE_CHUNK_BYTES = 16_384


class RemainingTimeout(float):
    """A timeout in seconds that shrinks as the end of its call comes near."""

    __slots__ = ("_clock", "_end")

    def __new__(cls, seconds: float, _end: float, _clock: Callable[[], float]) -> Self:
        """Return ``seconds`` as a number, for code that knows nothing of the end."""
        return super().__new__(cls, seconds)

    def __init__(self, _seconds: float, end: float, clock: Callable[[], float]) -> None:
        self._end = end
        self._clock = clock

    def remaining_seconds(self) -> float:
        """Return the seconds that a wait starting now may take; 0 or less when the call is over."""
        return min(float(self), self._end - self._clock())


class DeadlineBackend(httpcore.NetworkBackend):
    """A network backend whose connections keep the end of each call."""

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
        """Connect, and return the connection."""
        left = _require_remaining(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.connect_tcp(host, port, left, local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect; there are none, for we do not ask for any."""
        self._inner.sleep(seconds)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._buffered = b""
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        held, self._buffered = self._buffered, b""
        # What could not be written may have been answered before its end, as the library has it, too.
        with suppress(httpcore.WriteError):
            for start in range(0, len(held), _WRITE_CHUNK_BYTES):
                self._inner.write(
                    held[start : start + _WRITE_CHUNK_BYTES],
                    _require_remaining(self._write_timeout, httpcore.WriteTimeout),
                )
        return self._inner.read(max_bytes, _require_remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Held until the answer is waited for: head and body leave in one piece, at half the cost.
        self._buffered += buffer
        self._write_timeout = timeout

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _require_remaining(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _require_remaining(timeout: float | None, late: type[Exception]) -> float | None:
    if not isinstance(timeout, RemainingTimeout):
        return timeout
    left = timeout.remaining_seconds()
    if left <= 0:
        raise late
    return left
