"""A call ends when it is over, however slowly its bytes come."""

import ssl

import httpcore
import pytest

from keyturn.client.deadline import DeadlineBackend, RemainingTimeout


class Inner(httpcore.NetworkBackend, httpcore.NetworkStream):
    """A backend and its connection in one, which keep the timeouts they are given."""

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
    """Return what is wrapped."""
    return Inner()


def test_a_timeout_shrinks_with_the_end_of_the_call(inner, clock):
    """Each wait may take its own timeout, and no more than what is left of the call."""
    left = RemainingTimeout(10, clock.time + 25, lambda: clock.time)
    stream = DeadlineBackend(inner).connect_tcp("host", 1, left)
    for passed in (0, 12, 8, 4.5):
        clock.time += passed
        stream.read(1, left)
    assert inner.seen == [10, 10, 10, 5, 0.5]
    assert left == 10


@pytest.mark.parametrize(
    ("use", "late"),
    [
        (lambda stream, left: stream.read(1, left), httpcore.ReadTimeout),
        (lambda stream, left: (stream.write(b"x", left), stream.read(1)), httpcore.WriteTimeout),
        (
            lambda stream, left: stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), None, left),
            httpcore.ConnectTimeout,
        ),
    ],
)
def test_nothing_starts_after_the_end(inner, clock, use, late):
    """When the call is over no socket is touched any more."""
    stream = DeadlineBackend(inner).connect_tcp("host", 1)
    left = RemainingTimeout(10, clock.time, lambda: clock.time)
    with pytest.raises(late):
        use(stream, left)
    with pytest.raises(httpcore.ConnectTimeout):
        DeadlineBackend(inner).connect_tcp("host", 1, left)
    assert inner.seen == [None]


def test_a_long_body_is_written_in_pieces(inner, clock):
    """A peer that reads slowly is waited for piece by piece, each no longer than what is left."""
    stream = DeadlineBackend(inner).connect_tcp("host", 1)
    stream.write(b"x" * 40_000, RemainingTimeout(10, clock.time + 5, lambda: clock.time))
    stream.read(1, 2.0)
    assert inner.seen[1:] == [(16_384, 5), (16_384, 5), (7_232, 5), 2.0]


def test_head_and_body_leave_together(inner):
    """Nothing is written before an answer is waited for, and nothing twice."""
    stream = DeadlineBackend(inner).connect_tcp("host", 1)
    stream.write(b"head", 1.0)
    stream.write(b"body", 1.0)
    assert inner.seen == [None]
    stream.read(1, 2.0)
    stream.read(1, 2.0)
    assert inner.seen[1:] == [(8, 1.0), 2.0, 2.0]


def test_an_answer_before_the_end_of_a_request_is_read(inner, monkeypatch):
    """A service that refuses a request half-way and closes has said why."""

    def broken(*_):
        raise httpcore.WriteError

    monkeypatch.setattr(inner, "write", broken)
    stream = DeadlineBackend(inner).connect_tcp("host", 1)
    stream.write(b"x", 1.0)
    assert stream.read(1, 2.0) == b"x"


def test_everything_else_is_handed_on(inner):
    """Plain timeouts, TLS, closing and questions about the socket go through."""
    stream = DeadlineBackend(inner).connect_tcp("host", 1, 3.0)
    secure = stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "host", 2.0)
    assert secure.read(1, None) == b"x"
    assert secure.get_extra_info("socket") == "socket"
    secure.close()
    DeadlineBackend(inner).sleep(1)
    assert inner.seen == [3.0, 2.0, None, "closed", 1]
