"""Was a byte sent or not: each failure of the library, told apart."""

import socket
import ssl

import httpx
import pytest

from keyturn.client.errors import NotSent, OutcomeUnknown
from keyturn.client.messages import Request
from keyturn.client.transport import classify_transport_error

POST = Request(method="POST", path="/api/credentials", path_template="/api/credentials", operation="create")

BEFORE = [
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ConnectError,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
]
AFTER = [
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
]
OTHERS = [httpx.InvalidURL, OSError, ValueError, ssl.SSLError, RuntimeError, httpx.StreamClosed]


@pytest.mark.parametrize("kind", BEFORE)
def test_nothing_was_sent(kind):
    """Connecting, its proxy and its TLS come before the first byte."""
    assert type(classify_transport_error(POST, kind("text"))) is NotSent


@pytest.mark.parametrize("kind", AFTER + OTHERS)
def test_something_may_have_been_sent(kind):
    """All else may have come after the first byte, what is unknown too."""
    error = kind() if kind is httpx.StreamClosed else kind("text")
    found = classify_transport_error(POST, error)
    assert type(found) is OutcomeUnknown
    assert found.error_details.reason


def test_every_failure_of_the_library_was_thought_of():
    """A new kind in a later version of httpx is noticed here."""
    known = set(BEFORE) | set(AFTER)
    families = {httpx.TransportError, httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError}

    def leaves(kind):
        below = kind.__subclasses__()
        return {leaf for one in below for leaf in leaves(one)} if below else {kind}

    assert leaves(httpx.RequestError) - families <= known


@pytest.mark.parametrize(
    ("cause", "why", "number"),
    [
        (ssl.SSLCertVerificationError("x"), "the certificate is not trusted", "KT514"),
        (ssl.SSLError("x"), "the TLS handshake failed", "KT508"),
        (socket.gaierror(8, "x"), "the host name cannot be resolved", "KT508"),
        (ConnectionRefusedError(111, "x"), "connection refused", "KT508"),
        (OSError(101, "x"), "no connection", "KT508"),
        (None, "no connection", "KT508"),
    ],
)
def test_the_cause_below(cause, why, number):
    """What the operating system said decides about the advice, through any depth of the chain."""
    error = httpx.ConnectError("outer")
    error.__context__ = RuntimeError("middle")
    error.__context__.__cause__ = cause
    found = classify_transport_error(POST, error)
    assert (found.error_details.reason, found.diagnostic_code) == (why, number)
    assert found.is_permanent == (number == "KT514")


def test_a_chain_in_a_circle_ends():
    """Exceptions that point at each other do not hang us."""
    one, other = httpx.ConnectError("a"), RuntimeError("b")
    one.__context__, other.__context__ = other, one
    assert type(classify_transport_error(POST, one)) is NotSent
