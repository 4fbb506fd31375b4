"""Classification of httpx' exceptions: before or after the first byte."""

import socket
import ssl

import httpx
import pytest

from keyturn.client.errors import NotSent, OutcomeUnknown
from keyturn.client.messages import Request
from keyturn.client.transport import classify_transport_error

POST = Request(method="POST", path="/api/credentials", path_template="/api/credentials", operation="create")

NOT_SENT = [
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ConnectError,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
]
UNKNOWN = [
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


@pytest.mark.parametrize("kind", NOT_SENT)
def test_errors_before_the_first_byte(kind):
    """Connection, proxy and TLS."""
    assert type(classify_transport_error(POST, kind("text"))) is NotSent


@pytest.mark.parametrize("kind", UNKNOWN + OTHERS)
def test_errors_after_the_first_byte(kind):
    """All others, also unknown ones."""
    error = kind() if kind is httpx.StreamClosed else kind("text")
    found = classify_transport_error(POST, error)
    assert type(found) is OutcomeUnknown
    assert found.error_details.reason


def test_every_error_of_httpx_is_known():
    """A new class in a later version fails this test."""
    known = set(NOT_SENT) | set(UNKNOWN)
    families = {httpx.TransportError, httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError}

    def leaves(kind):
        below = kind.__subclasses__()
        return {leaf for one in below for leaf in leaves(one)} if below else {kind}

    assert leaves(httpx.RequestError) - families <= known


@pytest.mark.parametrize(
    ("cause", "reason", "code"),
    [
        (ssl.SSLCertVerificationError("x"), "the certificate is not trusted", "KT514"),
        (ssl.SSLError("x"), "the TLS handshake failed", "KT508"),
        (socket.gaierror(8, "x"), "the host name cannot be resolved", "KT508"),
        (ConnectionRefusedError(111, "x"), "connection refused", "KT508"),
        (OSError(101, "x"), "no connection", "KT508"),
        (None, "no connection", "KT508"),
    ],
)
def test_the_cause_decides_the_code(cause, reason, code):
    """At any depth of the chain."""
    error = httpx.ConnectError("outer")
    error.__context__ = RuntimeError("middle")
    error.__context__.__cause__ = cause
    found = classify_transport_error(POST, error)
    assert (found.error_details.reason, found.diagnostic_code) == (reason, code)
    assert found.is_permanent == (code == "KT514")


def test_a_circular_chain_of_causes_ends():
    """Exceptions may refer to each other."""
    one, other = httpx.ConnectError("a"), RuntimeError("b")
    one.__context__, other.__context__ = other, one
    assert type(classify_transport_error(POST, one)) is NotSent
