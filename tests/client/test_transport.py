"""The way to the service, over real sockets that break in every way."""

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

from breaking import answer, reset, say
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

SHORT = RequestTimeouts(connect=10, read=0.15, total=0.4)
"""For answers that never come; one that does come would be late for them on a machine that is busy."""
REAL = ClientClock(monotonic=time.monotonic, now=time.time, sleep=time.sleep, random_fraction=random.random)
KEY = b"Bearer plnx_live_0123456789"


def call(method="GET", body=None, **more):
    """Return a request for one credential."""
    return Request(
        method=method,
        path="/api/credentials/1",
        path_template="/api/credentials/{id}",
        operation="read",
        body=body,
        **more,
    )


OPEN = ConcurrencyLimit()
READ = call()
WRITE = call("PUT", b'{"name":"x"}')


def transport(url, timeouts=DEFAULT_TIMEOUTS, **options):
    """Return the real transport to an address."""
    place = parse_service_url(url)
    return HttpTransport(
        place, {"Authorization": KEY}, REAL, build_connection_factory(place, **options), timeouts
    )


@pytest.fixture
def way(raw):
    """Return the real transport to the server of raw sockets."""
    opened = transport(raw.url + "/v1")
    yield opened
    opened.close()


@pytest.fixture
def hasty(raw):
    """Return one that does not wait long."""
    opened = transport(raw.url + "/v1", SHORT)
    yield opened
    opened.close()


def test_what_is_sent(raw, way):
    """Method, path, query and headers are exactly these; nothing else says who we are."""
    raw.acts(answer(), answer(), answer())
    way.send(call(query=(("limit", "500"), ("cursor", "a&b=c d/é"))), OPEN)
    way.send(WRITE, OPEN)
    way.send(call("POST"), OPEN)
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


def test_what_is_kept_of_an_answer(raw, way):
    """Status, body, the service's clock and the headers that mean something to us."""
    raw.acts(
        answer(
            {"data": []},
            418,
            date="Sun, 06 Nov 1994 08:49:37 GMT",
            retry_after="7",  # a digit of the key, too
            x_request_id="deadbeef",
            set_cookie="b=c",
        )
    )
    reply = way.send(READ, OPEN)
    assert (reply.status, reply.body, reply.date) == (418, b'{"data": []}', 784_111_777)
    assert reply.headers["retry-after"] == "7"
    assert reply.headers["x-request-id"] == "deadbeef"
    assert "set-cookie" not in reply.headers


def test_no_cookie_is_kept(raw, way):
    """What the service wants us to remember is forgotten."""
    raw.acts(answer(set_cookie="session=1; Path=/"), answer())
    way.send(READ, OPEN)
    way.send(READ, OPEN)
    assert raw.requests[1].header("cookie") is None


def test_a_header_that_echoes_the_key_is_dropped(raw, way):
    """A service that names requests by their key does not bring the key into our messages."""
    raw.acts(answer(x_request_id="plnx_live_0123456789", request_id="0123456789"))
    assert not {"x-request-id", "request-id"} & way.send(READ, OPEN).headers.keys()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"


@pytest.mark.parametrize(
    "act",
    [
        reset(),
        say(b""),
        say(b"HTTP/1.1 200 OK\r\nContent-"),
        say(HEAD),
        say(HEAD + b'{"data":'),
        reset(HEAD + b'{"data":'),
        say(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"dat\r\n'),
        say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        say(b"SSH-2.0-OpenSSH_9.6\r\n"),
        say(b"HTTP/1.1 banana OK\r\n\r\n"),
        say(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        say(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
        say(b"\x00" * 1000),
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
def test_no_whole_answer_is_unsure(raw, way, act, request_):
    """Once the request is out, whatever breaks leaves open what happened."""
    raw.acts(act)
    with pytest.raises(OutcomeUnknown) as caught:
        way.send(request_, OPEN)
    assert len(raw.requests) == 1
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_silence(raw, hasty, hang):
    """No first byte in time."""
    raw.acts(hang)
    begun = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="no response in time"):
        hasty.send(WRITE, OPEN)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", HEAD.replace(b" 20\r", b" 400\r")], ids=["head", "body"]
)
def test_a_byte_now_and_then_does_not_hold_us(raw, hasty, drip, head):
    """Each byte comes in time, all of them never would: the call ends with its own time."""

    def act(line):
        line.sendall(head)
        return drip(b"x" * 400)(line)

    raw.acts(act)
    begun = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="no response in time"):
        hasty.send(READ, OPEN)
    assert 0.3 < time.monotonic() - begun < 3


def test_patience_is_longer_where_it_is_asked_for(raw, hasty, hang):
    """A connection test may take its time."""

    def late(line):
        raw.over.wait(0.3)
        return answer({"ok": True})(line)

    raw.acts(hang, late)
    with pytest.raises(OutcomeUnknown):
        hasty.send(READ, OPEN)
    assert hasty.send(call("POST", b"{}", timeout=5), OPEN).status == 200


def test_a_peer_that_does_not_read(raw, hasty):
    """A body that cannot be written in time may have been read in part."""
    raw._read = lambda _: raw.over.wait(5) and None
    with pytest.raises(OutcomeUnknown):
        hasty.send(call("PUT", b"x" * (32 << 20)), OPEN)


def test_nobody_there():
    """A refused connection: nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NotSent, match="connection refused"):
        transport(f"http://127.0.0.1:{port}").send(WRITE, OPEN)


def test_a_name_that_nobody_knows():
    """A name that is not resolved: nothing was sent."""
    with pytest.raises(NotSent, match="host name cannot be resolved"):
        transport("https://keyturn.invalid").send(WRITE, OPEN)


def test_a_kept_connection_that_the_service_closed_meanwhile(raw, way):
    """An idle connection that was closed is not used again; one closed as we write leaves us unsure."""

    def closing(line):
        answer()(line)
        return False

    raw.acts(closing, answer(), say(b""))
    way.send(READ, OPEN)
    deadline = time.monotonic() + 10
    while (
        not all(kept.has_expired() for kept in way._idle_connections[0]._pool.connections)
        and time.monotonic() < deadline
    ):
        time.sleep(0.005)
    assert way.send(WRITE, OPEN).status == 200
    assert raw.connections == 2
    with pytest.raises(OutcomeUnknown):
        way.send(WRITE, OPEN)
    assert len(raw.requests) == 3


@pytest.mark.parametrize(
    ("request_", "kind"), [(READ, InvalidResponse), (WRITE, OutcomeUnknown)], ids=["read", "write"]
)
@pytest.mark.parametrize("told", [True, False], ids=["told", "chunked"])
def test_no_endless_answer(raw, way, request_, kind, told):
    """Ten megabytes are enough, whether the length is told or not, and the connection is let go."""

    def endless(line):
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        line.sendall(b"Content-Length: 99999999\r\n\r\n" if told else b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(MAX_RESPONSE_BYTES // 65_536 + 2):
            line.sendall((b"" if told else b"10000\r\n") + b" " * 65_536 + (b"" if told else b"\r\n"))
        return False

    raw.acts(endless, answer())
    with pytest.raises(kind, match="larger than 10 MB"):
        way.send(request_, OPEN)
    assert way.send(READ, OPEN).status == 200


@pytest.mark.parametrize(
    ("request_", "kind"), [(READ, InvalidResponse), (WRITE, OutcomeUnknown)], ids=["read", "write"]
)
def test_nothing_is_decompressed(raw, way, request_, kind):
    """A compressed answer, which may grow without end, was not asked for."""
    raw.acts(answer(b"\x1f\x8b" * 10, content_encoding="gzip"), answer(b"", content_encoding="gzip"))
    with pytest.raises(kind, match="compressed"):
        way.send(request_, OPEN)
    assert way.send(request_, OPEN).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_read_follows_on_the_same_origin(raw, way, status):
    """Up to three times, relative or absolute, and the query goes where the service says."""
    raw.acts(
        answer(status=status, location="/elsewhere?a=b"),
        answer(status=status, location=f"{raw.url}/v1/there"),
        answer(status=status, location="here"),
        answer({"id": "x"}),
    )
    assert way.send(READ, OPEN).body == b'{"id": "x"}'
    assert [sent.line for sent in raw.requests[1:]] == ["GET /elsewhere?a=b", "GET /v1/there", "GET /v1/here"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_is_never_sent_elsewhere(raw, way, status, method):
    """Not even on the same origin: the answer is handed back as it is."""
    raw.acts(answer(status=status, location="/elsewhere"))
    assert way.send(call(method, b"{}"), OPEN).status == status
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
def test_a_read_is_not_sent_elsewhere(raw, way, status, location):
    """Another host, port or scheme, a user, or nonsense: the key stays here."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        raw.acts(answer(status=status, location=location.format(port=raw.port)))
        if location == "\xff\xfe":
            raw.acts(answer())
            assert way.send(READ, OPEN).status == 200  # a relative path, percent-encoded
            return
        with pytest.raises(RequestRejected) as caught:
            way.send(READ, OPEN)
        assert caught.value.diagnostic_code == "KT517"
        assert len(raw.requests) == 1


def test_a_read_does_not_run_in_circles(raw, way):
    """The fourth redirect is the end, and one to itself is one too many."""
    raw.acts(*(answer(status=302, location=f"/{hop}") for hop in range(5)))
    with pytest.raises(RequestRejected, match="too often"):
        way.send(READ, OPEN)
    assert len(raw.requests) == 4
    raw._acts[:] = [answer(status=302, location="1")]
    with pytest.raises(RequestRejected, match="elsewhere"):
        way.send(READ, OPEN)


@pytest.mark.parametrize(
    "name",
    ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "SSL_CERT_FILE", "SSLKEYLOGFILE"],
)
def test_the_environment_has_no_say(raw, monkeypatch, tmp_path, name):
    """Proxies, certificates and key logs of the environment have no effect."""
    monkeypatch.setenv(name, str(tmp_path / "x") if name.startswith("SSL") else "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    raw.acts(answer())
    opened = transport(raw.url)
    assert opened.send(READ, OPEN).status == 200
    opened.close()
    place = parse_service_url("https://localhost")
    assert build_connection_factory(place)()._pool._ssl_context.keylog_filename is None


def test_a_proxy_of_the_project(raw):
    """A proxy that is set explicitly is used."""
    raw.acts(answer({"id": "x"}))
    opened = transport("http://127.0.0.1:1", proxy=raw.url)
    assert opened.send(READ, OPEN).status == 200
    assert raw.requests[0].line == "GET http://127.0.0.1:1/api/credentials/1"
    opened.close()


def test_a_proxy_that_lets_nobody_through(raw):
    """A tunnel that is refused: nothing was sent to the service."""
    raw.acts(answer(status=403))
    opened = transport("https://api.example.com", proxy=raw.url)
    with pytest.raises(NotSent, match="proxy"):
        opened.send(WRITE, OPEN)
    opened.close()


def test_libraries_are_quiet(raw, way, caplog):
    """Whatever the level of the root, httpx and httpcore do not log requests."""
    caplog.set_level(logging.DEBUG)
    raw.acts(answer())
    way.send(READ, OPEN)
    assert not [record for record in caplog.records if record.name.startswith("http")]


def test_thirty_two_at_a_time(raw):
    """Workers share the transport, each gets its own answer, connections are used again."""

    def echo(line):
        return answer()(line)

    raw.acts(*[echo] * 320)
    opened = transport(raw.url)
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda _: opened.send(READ, OPEN).status, range(320)))
    assert replies == [200] * 320
    assert raw.connections <= 32
    opened.close()


def authority(folder, host):
    """Make a certificate for ``host`` that is its own authority; return its file and a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
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
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return pem, context


@pytest.mark.parametrize("name", ["localhost", "other.example"])
def test_tls_is_verified(raw, tmp_path, name):
    """An unknown authority or another name ends it before a byte; the project's own authority is taken."""
    pem, context = authority(tmp_path, name)
    serve = raw._serve

    def secured(line):
        try:
            secure = context.wrap_socket(line, server_side=True)
        except (ssl.SSLError, OSError):
            line.close()
            return
        serve(secure)

    raw._serve = secured
    raw.acts(answer())
    url = f"https://localhost:{raw.port}"
    unknown = transport(url)
    with pytest.raises(NotSent, match="certificate is not trusted") as caught:
        unknown.send(WRITE, OPEN)
    assert caught.value.is_permanent
    assert not raw.requests
    known = transport(url, ca_file=pem)
    if name == "localhost":
        assert known.send(WRITE, OPEN).status == 200
    else:
        with pytest.raises(NotSent, match="certificate is not trusted"):
            known.send(WRITE, OPEN)
    unknown.close()
    known.close()


def test_plain_http_where_tls_is_meant(raw):
    """A server without TLS at a TLS address gets nothing."""
    raw._read = lambda line: line.recv(1) and line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(NotSent, match="TLS"):
        transport(f"https://localhost:{raw.port}").send(WRITE, OPEN)
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


def test_no_more_are_under_way_than_there_are_places(raw):
    """Eight workers, three places: the service never sees a fourth request beside three."""
    under, most, lock = 0, [], threading.Lock()

    def slow(line):
        nonlocal under
        with lock:
            under += 1
            most.append(under)
        time.sleep(0.02)
        with lock:
            under -= 1
        return answer()(line)

    raw.acts(*[slow] * 24)
    opened = transport(raw.url)
    admission = ConcurrencyLimit(slots=threading.BoundedSemaphore(3))
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: opened.send(WRITE, admission).status, range(24)))
    opened.close()
    assert replies == [200] * 24
    assert max(most) == 3


def test_a_turn_ends_with_the_last_byte(raw, way, monkeypatch):
    """What is made of an answer keeps nobody else waiting; an answer that breaks off ends it, too."""
    steps = []

    @contextmanager
    def places():
        try:
            yield
        finally:
            steps.append("free")

    monkeypatch.setattr("keyturn.client.transport.parse_http_date", lambda _: steps.append("read"))
    raw.acts(answer({"id": "x"}), say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"))
    way.send(READ, ConcurrencyLimit(slots=places()))
    with pytest.raises(OutcomeUnknown):
        way.send(READ, ConcurrencyLimit(slots=places()))
    assert steps == ["free", "read", "free"]


def test_what_is_kept_back_is_not_sent(raw, way):
    """Not a byte, and the line serves the next."""
    raw.acts(answer())
    with pytest.raises(Withheld):
        way.send(WRITE, ConcurrencyLimit(may_write=lambda: False))
    assert way.send(WRITE, OPEN).status == 200
    assert (len(raw.requests), raw.connections) == (1, 1)


@pytest.mark.parametrize("kind", EXCEPTIONS)
@pytest.mark.parametrize("when", ["sending", "reading"])
def test_no_exception_carries_what_was_sent(canary, kind, when):
    """Whatever the library raises, and wherever, nothing of its text or objects stays with our error."""
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

    place = parse_service_url("https://api.example.com")
    way = HttpTransport(
        place, {"Authorization": f"Bearer {key}".encode()}, REAL, lambda: httpx.MockTransport(handler)
    )
    with pytest.raises((NotSent, OutcomeUnknown)) as caught:
        way.send(call("PUT", f'{{"password":"{secret}"}}'.encode()), OPEN)
    error = caught.value
    assert error.__context__ is error.__cause__ is None
    canary.also("its attributes", repr(vars(error)) + repr(error.to_diagnostic()))
