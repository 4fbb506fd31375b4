"""The deadline of a request, for any speed of its bytes."""

import ssl

import httpcore
import pytest

from keyturn.client.deadline import DeadlineBackend, RemainingTimeout


class RecordingBackend(httpcore.NetworkBackend, httpcore.NetworkStream):
    """A backend and its connection in one; records the timeouts."""

    def __init__(self):
        self.seen = []

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):  # noqa: D102
        del host, port, local_address, socket_options
        self.seen.append(timeout)
        return self

    def read(self, max_bytes, timeout=None):  # noqa: D102
        del max_bytes
        self.seen.append(timeout)
        return b"x"

    def write(self, buffer, timeout=None):  # noqa: D102
        self.seen.append((len(buffer), timeout))

    def start_tls(self, ssl_context, server_hostname=None, timeout=None):  # noqa: D102
        del ssl_context, server_hostname
        self.seen.append(timeout)
        return self

    def close(self):  # noqa: D102
        self.seen.append("closed")

    def get_extra_info(self, info):  # noqa: D102
        return info

    def sleep(self, seconds):  # noqa: D102
        self.seen.append(seconds)


@pytest.fixture
def inner():
    """Return the wrapped backend."""
    return RecordingBackend()


def test_a_timeout_ends_at_the_deadline(inner, clock):
    """A wait takes its own timeout, but never passes the deadline."""
    remaining = RemainingTimeout(10, clock.time + 25, lambda: clock.time)
    stream = DeadlineBackend(inner).connect_tcp("host", 1, remaining)
    for elapsed in (0, 12, 8, 4.5):
        clock.time += elapsed
        stream.read(1, remaining)
    assert inner.seen == [10, 10, 10, 5, 0.5]
    assert remaining == 10


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda stream, remaining: stream.read(1, remaining), httpcore.ReadTimeout),
        (lambda stream, remaining: (stream.write(b"x", remaining), stream.read(1)), httpcore.WriteTimeout),
        (
            lambda stream, remaining: stream.start_tls(
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), None, remaining
            ),
            httpcore.ConnectTimeout,
        ),
    ],
)
def test_no_operation_starts_after_the_deadline(inner, clock, use, error):
    """After the deadline no socket is used."""
    stream = DeadlineBackend(inner).connect_tcp("host", 1)
    remaining = RemainingTimeout(10, clock.time, lambda: clock.time)
    with pytest.raises(error):
        use(stream, remaining)
    with pytest.raises(httpcore.ConnectTimeout):
        DeadlineBackend(inner).connect_tcp("host", 1, remaining)
    assert inner.seen == [None]


def test_a_long_body_is_written_in_chunks(inner, clock):
    """The deadline applies to every chunk."""
    stream = DeadlineBackend(inner).connect_tcp("host", 1)
    stream.write(b"x" * 40_000, RemainingTimeout(10, clock.time + 5, lambda: clock.time))
    stream.read(1, 2.0)
    assert inner.seen[1:] == [(16_384, 5), (16_384, 5), (7_232, 5), 2.0]


def test_head_and_body_are_written_together(inner):
    """They are written once, at the first read."""
    stream = DeadlineBackend(inner).connect_tcp("host", 1)
    stream.write(b"head", 1.0)
    stream.write(b"body", 1.0)
    assert inner.seen == [None]
    stream.read(1, 2.0)
    stream.read(1, 2.0)
    assert inner.seen[1:] == [(8, 1.0), 2.0, 2.0]


def test_a_response_after_a_failed_write_is_read(inner, monkeypatch):
    """A service may reject a request before it has read all of it."""

    def broken(*_):
        raise httpcore.WriteError

    monkeypatch.setattr(inner, "write", broken)
    stream = DeadlineBackend(inner).connect_tcp("host", 1)
    stream.write(b"x", 1.0)
    assert stream.read(1, 2.0) == b"x"


def test_other_calls_are_passed_through(inner):
    """Plain timeouts, TLS, closing and socket information."""
    stream = DeadlineBackend(inner).connect_tcp("host", 1, 3.0)
    secure = stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "host", 2.0)
    assert secure.read(1, None) == b"x"
    assert secure.get_extra_info("socket") == "socket"
    secure.close()
    DeadlineBackend(inner).sleep(1)
    assert inner.seen == [3.0, 2.0, None, "closed", 1]
