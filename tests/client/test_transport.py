"""The transport over real sockets, with failures of every kind."""

import logging
import random
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keyturn.client.errors import InvalidResponse, NotSent, OutcomeUnknown, RequestRejected, Withheld
from keyturn.client.messages import ClientClock, Request
from keyturn.client.sender import ConcurrencyLimit
from keyturn.client.transport import (
    DEFAULT_TIMEOUTS,
    MAX_RESPONSE_BYTES,
    HttpTransport,
    RequestTimeouts,
    build_connection_factory,
)
from keyturn.model.service_url import parse_service_url
from raw_server import reset_connection, respond, send_bytes

SHORT = RequestTimeouts(connect=10, read=0.15, total=0.4)
"""For answers that never come; one that does come would be late for them on a machine that is busy."""
REAL = ClientClock(monotonic=time.monotonic, now=time.time, sleep=time.sleep, random_fraction=random.random)
KEY = b"Bearer plnx_live_0123456789"


def build_request(method="GET", body=None, **more):
    """Return a request for one credential."""
    return Request(
        method=method,
        path="/api/credentials/1",
        path_template="/api/credentials/{id}",
        operation="read",
        body=body,
        **more,
    )


UNLIMITED = ConcurrencyLimit()
READ = build_request()
WRITE = build_request("PUT", b'{"name":"x"}')


def open_transport(url, timeouts=DEFAULT_TIMEOUTS, **options):
    """Return a transport to an address."""
    url = parse_service_url(url)
    return HttpTransport(
        url, {"Authorization": KEY}, REAL, build_connection_factory(url, **options), timeouts
    )


@pytest.fixture
def transport(raw):
    """Return a transport to the raw server."""
    opened = open_transport(raw.url + "/v1")
    yield opened
    opened.close()


@pytest.fixture
def impatient_transport(raw):
    """Return a transport with short timeouts."""
    opened = open_transport(raw.url + "/v1", SHORT)
    yield opened
    opened.close()


def test_what_is_sent(raw, transport):
    """Method, path, query and headers are exactly these."""
    raw.script(respond(), respond(), respond())
    transport.send(build_request(query=(("limit", "500"), ("cursor", "a&b=c d/é"))), UNLIMITED)
    transport.send(WRITE, UNLIMITED)
    transport.send(build_request("POST"), UNLIMITED)
    first, second, third = raw.requests
    assert first.line == "GET /v1/api/credentials/1?limit=500&cursor=a%26b%3Dc+d%2F%C3%A9"
    lines = first.head.split("\r\n")[1:]
    assert sorted(lines) == [
        "Accept-Encoding: identity",
        "Accept: application/json",
        "Authorization: Bearer plnx_live_0123456789",
        f"Host: 127.0.0.1:{raw.port}",
        f"User-Agent: keyturn/{version('keyturn')}",
    ]
    assert (second.line, second.body) == ("PUT /v1/api/credentials/1", b'{"name":"x"}')
    assert second.header("content-type") == "application/json"
    assert second.header("content-length") == "12"
    assert (third.header("content-type"), third.header("content-length")) == (None, "0")
    assert raw.connections == 1


def test_what_is_kept_of_a_response(raw, transport):
    """Status, body, date and known headers."""
    raw.script(
        respond(
            {"data": []},
            418,
            date="Sun, 06 Nov 1994 08:49:37 GMT",
            retry_after="7",  # a digit of the key, too
            x_request_id="deadbeef",
            set_cookie="b=c",
        )
    )
    reply = transport.send(READ, UNLIMITED)
    assert (reply.status, reply.body, reply.date) == (418, b'{"data": []}', 784_111_777)
    assert reply.headers["retry-after"] == "7"
    assert reply.headers["x-request-id"] == "deadbeef"
    assert "set-cookie" not in reply.headers


def test_no_cookie_is_kept(raw, transport):
    """Cookies are never sent back."""
    raw.script(respond(set_cookie="session=1; Path=/"), respond())
    transport.send(READ, UNLIMITED)
    transport.send(READ, UNLIMITED)
    assert raw.requests[1].header("cookie") is None


def test_a_header_that_echoes_the_key_is_dropped(raw, transport):
    """A request ID that is a part of the key is no request ID."""
    raw.script(respond(x_request_id="plnx_live_0123456789", request_id="0123456789"))
    assert not {"x-request-id", "request-id"} & transport.send(READ, UNLIMITED).headers.keys()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"


@pytest.mark.parametrize(
    "action",
    [
        reset_connection(),
        send_bytes(b""),
        send_bytes(b"HTTP/1.1 200 OK\r\nContent-"),
        send_bytes(HEAD),
        send_bytes(HEAD + b'{"data":'),
        reset_connection(HEAD + b'{"data":'),
        send_bytes(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"dat\r\n'),
        send_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        send_bytes(b"SSH-2.0-OpenSSH_9.6\r\n"),
        send_bytes(b"HTTP/1.1 banana OK\r\n\r\n"),
        send_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        send_bytes(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
        send_bytes(b"\x00" * 1000),
    ],
    ids=[
        "reset",
        "closed",
        "torn head",
        "no body",
        "torn body",
        "reset in the body",
        "torn chunk",
        "bad chunk",
        "other protocol",
        "bad status",
        "bad length",
        "endless head",
        "zeros",
    ],
)
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_an_incomplete_response_is_an_unknown_outcome(raw, transport, action, request_):
    """For reads and writes."""
    raw.script(action)
    with pytest.raises(OutcomeUnknown) as caught:
        transport.send(request_, UNLIMITED)
    assert len(raw.requests) == 1
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_no_response(raw, impatient_transport, hang):
    """The read timeout ends the request."""
    raw.script(hang)
    start = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="no response in time"):
        impatient_transport.send(WRITE, UNLIMITED)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", HEAD.replace(b" 20\r", b" 400\r")], ids=["head", "body"]
)
def test_a_slow_response_ends_at_the_deadline(raw, impatient_transport, drip, head):
    """In the head and in the body, although each byte is in time."""

    def action(connection):
        connection.sendall(head)
        return drip(b"x" * 400)(connection)

    raw.script(action)
    start = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="no response in time"):
        impatient_transport.send(READ, UNLIMITED)
    assert 0.3 < time.monotonic() - start < 3


def test_a_request_may_have_a_longer_timeout(raw, impatient_transport, hang):
    """As a connection test has."""

    def late(connection):
        raw.stopped.wait(0.3)
        return respond({"ok": True})(connection)

    raw.script(hang, late)
    with pytest.raises(OutcomeUnknown):
        impatient_transport.send(READ, UNLIMITED)
    assert impatient_transport.send(build_request("POST", b"{}", timeout=5), UNLIMITED).status == 200


def test_a_server_that_does_not_read(raw, impatient_transport):
    """The outcome is unknown, because a part may have been read."""
    raw._read = lambda _: raw.stopped.wait(5) and None
    with pytest.raises(OutcomeUnknown):
        impatient_transport.send(build_request("PUT", b"x" * (32 << 20)), UNLIMITED)


def test_a_refused_connection():
    """Nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NotSent, match="connection refused"):
        open_transport(f"http://127.0.0.1:{port}").send(WRITE, UNLIMITED)


def test_an_unknown_host():
    """Nothing was sent."""
    with pytest.raises(NotSent, match="host name cannot be resolved"):
        open_transport("https://keyturn.invalid").send(WRITE, UNLIMITED)


def test_a_closed_idle_connection(raw, transport):
    """It is not reused; one that closes during a write leaves the outcome unknown."""

    def closing(connection):
        respond()(connection)
        return False

    raw.script(closing, respond(), send_bytes(b""))
    transport.send(READ, UNLIMITED)
    deadline = time.monotonic() + 10
    while (
        not all(kept.has_expired() for kept in transport._idle_connections[0]._pool.connections)
        and time.monotonic() < deadline
    ):
        time.sleep(0.005)
    assert transport.send(WRITE, UNLIMITED).status == 200
    assert raw.connections == 2
    with pytest.raises(OutcomeUnknown):
        transport.send(WRITE, UNLIMITED)
    assert len(raw.requests) == 3


@pytest.mark.parametrize(
    ("request_", "kind"), [(READ, InvalidResponse), (WRITE, OutcomeUnknown)], ids=["read", "write"]
)
@pytest.mark.parametrize("has_length", [True, False], ids=["has_length", "chunked"])
def test_the_size_of_a_response_is_limited(raw, transport, request_, kind, has_length):
    """With and without Content-Length; the transport stays usable."""

    def endless(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        connection.sendall(
            b"Content-Length: 99999999\r\n\r\n" if has_length else b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(MAX_RESPONSE_BYTES // 65_536 + 2):
            connection.sendall(
                (b"" if has_length else b"10000\r\n") + b" " * 65_536 + (b"" if has_length else b"\r\n")
            )
        return False

    raw.script(endless, respond())
    with pytest.raises(kind, match="larger than 10 MB"):
        transport.send(request_, UNLIMITED)
    assert transport.send(READ, UNLIMITED).status == 200


@pytest.mark.parametrize(
    ("request_", "kind"), [(READ, InvalidResponse), (WRITE, OutcomeUnknown)], ids=["read", "write"]
)
def test_a_compressed_response_is_rejected(raw, transport, request_, kind):
    """It could grow without limit."""
    raw.script(respond(b"\x1f\x8b" * 10, content_encoding="gzip"), respond(b"", content_encoding="gzip"))
    with pytest.raises(kind, match="compressed"):
        transport.send(request_, UNLIMITED)
    assert transport.send(request_, UNLIMITED).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_read_follows_redirects_on_its_origin(raw, transport, status):
    """Up to three, relative or absolute."""
    raw.script(
        respond(status=status, location="/elsewhere?a=b"),
        respond(status=status, location=f"{raw.url}/v1/there"),
        respond(status=status, location="here"),
        respond({"id": "x"}),
    )
    assert transport.send(READ, UNLIMITED).body == b'{"id": "x"}'
    assert [sent.line for sent in raw.requests[1:]] == ["GET /elsewhere?a=b", "GET /v1/there", "GET /v1/here"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_follows_no_redirect(raw, transport, status, method):
    """The response is returned as it is."""
    raw.script(respond(status=status, location="/elsewhere"))
    assert transport.send(build_request(method, b"{}"), UNLIMITED).status == status
    assert len(raw.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/",
        "http://localhost:{port}/",
        "https://127.0.0.1:{port}/",
        "//evil.example/",
        "http://127.0.0.1:{port}@evil.example/",
        "http://user:pw@127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
        "javascript:alert(1)",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "",
        "\xff\xfe",
    ],
)
def test_a_read_follows_no_redirect_to_another_origin(raw, transport, status, location):
    """Another host, port or scheme, user info, or an invalid location."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        raw.script(respond(status=status, location=location.format(port=raw.port)))
        if location == "\xff\xfe":
            raw.script(respond())
            assert transport.send(READ, UNLIMITED).status == 200  # a relative path, percent-encoded
            return
        with pytest.raises(RequestRejected) as caught:
            transport.send(READ, UNLIMITED)
        assert caught.value.diagnostic_code == "KT517"
        assert len(raw.requests) == 1


def test_the_number_of_redirects_is_limited(raw, transport):
    """The fourth redirect, and one to itself, are errors."""
    raw.script(*(respond(status=302, location=f"/{hop}") for hop in range(5)))
    with pytest.raises(RequestRejected, match="too often"):
        transport.send(READ, UNLIMITED)
    assert len(raw.requests) == 4
    raw._actions[:] = [respond(status=302, location="1")]
    with pytest.raises(RequestRejected, match="elsewhere"):
        transport.send(READ, UNLIMITED)


@pytest.mark.parametrize(
    "name",
    ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "SSL_CERT_FILE", "SSLKEYLOGFILE"],
)
def test_the_environment_has_no_effect(raw, monkeypatch, tmp_path, name):
    """Proxies, certificates and key logs of the environment are ignored."""
    monkeypatch.setenv(name, str(tmp_path / "x") if name.startswith("SSL") else "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    raw.script(respond())
    opened = open_transport(raw.url)
    assert opened.send(READ, UNLIMITED).status == 200
    opened.close()
    url = parse_service_url("https://localhost")
    assert build_connection_factory(url)()._pool._ssl_context.keylog_filename is None


def test_a_configured_proxy_is_used(raw):
    """It is set explicitly."""
    raw.script(respond({"id": "x"}))
    opened = open_transport("http://127.0.0.1:1", proxy=raw.url)
    assert opened.send(READ, UNLIMITED).status == 200
    assert raw.requests[0].line == "GET http://127.0.0.1:1/api/credentials/1"
    opened.close()


def test_a_proxy_that_rejects_the_tunnel(raw):
    """Nothing was sent to the service."""
    raw.script(respond(status=403))
    opened = open_transport("https://api.example.com", proxy=raw.url)
    with pytest.raises(NotSent, match="proxy"):
        opened.send(WRITE, UNLIMITED)
    opened.close()


def test_libraries_log_no_requests(raw, transport, caplog):
    """At any level of the root logger."""
    caplog.set_level(logging.DEBUG)
    raw.script(respond())
    transport.send(READ, UNLIMITED)
    assert not [record for record in caplog.records if record.name.startswith("http")]


def test_thirty_two_threads(raw):
    """Connections are reused."""

    def echo(connection):
        return respond()(connection)

    raw.script(*[echo] * 320)
    opened = open_transport(raw.url)
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda _: opened.send(READ, UNLIMITED).status, range(320)))
    assert replies == [200] * 320
    assert raw.connections <= 32
    opened.close()


def write_certificate(folder, host):
    """Write a self-signed certificate for ``host``; return its file and the TLS context of a server."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(1))
        .not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{host}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return pem, context


@pytest.mark.parametrize("name", ["localhost", "other.example"])
def test_tls_is_verified(raw, tmp_path, name):
    """An unknown authority or another name is an error before any byte is sent."""
    pem, context = write_certificate(tmp_path, name)
    serve = raw._serve

    def secured(connection):
        try:
            secure = context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError):
            connection.close()
            return
        serve(secure)

    raw._serve = secured
    raw.script(respond())
    url = f"https://localhost:{raw.port}"
    unknown = open_transport(url)
    with pytest.raises(NotSent, match="certificate is not trusted") as caught:
        unknown.send(WRITE, UNLIMITED)
    assert caught.value.is_permanent
    assert not raw.requests
    known = open_transport(url, ca_file=pem)
    if name == "localhost":
        assert known.send(WRITE, UNLIMITED).status == 200
    else:
        with pytest.raises(NotSent, match="certificate is not trusted"):
            known.send(WRITE, UNLIMITED)
    unknown.close()
    known.close()


def test_a_server_without_tls(raw):
    """Nothing is sent."""
    raw._read = lambda connection: (
        connection.recv(1) and connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    )
    with pytest.raises(NotSent, match="TLS"):
        open_transport(f"https://localhost:{raw.port}").send(WRITE, UNLIMITED)
    assert not raw.requests


EXCEPTIONS = [
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.WriteError,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
    ValueError,
    OSError,
    RecursionError,
]


def test_requests_in_flight_are_limited(raw):
    """Eight workers with three slots."""
    under, most, lock = 0, [], threading.Lock()

    def slow(connection):
        nonlocal under
        with lock:
            under += 1
            most.append(under)
        time.sleep(0.02)
        with lock:
            under -= 1
        return respond()(connection)

    raw.script(*[slow] * 24)
    opened = open_transport(raw.url)
    limit = ConcurrencyLimit(slots=threading.BoundedSemaphore(3))
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: opened.send(WRITE, limit).status, range(24)))
    opened.close()
    assert replies == [200] * 24
    assert max(most) == 3


def test_a_slot_is_released_with_the_last_byte(raw, transport, monkeypatch):
    """Before the response is decoded, and also after an incomplete response."""
    steps = []

    @contextmanager
    def slots():
        try:
            yield
        finally:
            steps.append("released")

    monkeypatch.setattr("keyturn.client.transport.parse_http_date", lambda _: steps.append("read"))
    raw.script(respond({"id": "x"}), send_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"))
    transport.send(READ, ConcurrencyLimit(slots=slots()))
    with pytest.raises(OutcomeUnknown):
        transport.send(READ, ConcurrencyLimit(slots=slots()))
    assert steps == ["released", "read", "released"]


def test_a_withheld_write_sends_no_byte(raw, transport):
    """The connection serves the next request."""
    raw.script(respond())
    with pytest.raises(Withheld):
        transport.send(WRITE, ConcurrencyLimit(may_write=lambda: False))
    assert transport.send(WRITE, UNLIMITED).status == 200
    assert (len(raw.requests), raw.connections) == (1, 1)


@pytest.mark.parametrize("kind", EXCEPTIONS)
@pytest.mark.parametrize("when", ["sending", "reading"])
def test_no_error_has_what_was_sent(canary, kind, when):
    """Neither texts nor objects of httpx' exceptions."""
    key, secret = canary(), canary("quotes")

    class Stream(httpx.SyncByteStream):
        def __iter__(self):
            yield b"{"
            raise kind(f"{key} {secret}")

    def handler(request):
        if when == "reading":
            return httpx.Response(200, stream=Stream())
        error = kind(f"{key} {secret} {request.headers} {request.content}")
        error.request = request
        raise error

    url = parse_service_url("https://api.example.com")
    transport = HttpTransport(
        url, {"Authorization": f"Bearer {key}".encode()}, REAL, lambda: httpx.MockTransport(handler)
    )
    with pytest.raises((NotSent, OutcomeUnknown)) as caught:
        transport.send(build_request("PUT", f'{{"password":"{secret}"}}'.encode()), UNLIMITED)
    error = caught.value
    assert error.__context__ is error.__cause__ is None
    canary.record("its attributes", repr(vars(error)) + repr(error.to_diagnostic()))
