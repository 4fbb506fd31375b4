"""The way to the service: httpx's transport under our own rules, imported only when a client is made.

Not ``httpx.Client``: cookies, redirects, decompression, ``netrc`` and proxies of the environment
are what it adds, and none of it is wanted here.
"""

import logging
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import certifi
import httpx

from keyturn import __version__
from keyturn.api.call import Call, Reply, Tempo
from keyturn.api.deadline import Left, Patient
from keyturn.api.errors import Facts, Malformed, Refused, ServiceError, Unreachable, Unsure
from keyturn.api.retry import unix_time
from keyturn.api.site import Site

LARGEST = 10 * 1024 * 1024
"""Bytes of the largest answer that is read: 10,000 connections are about 3 MB."""

MOST_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds: to connect, to wait for the next bytes, for a free connection, and for the whole call."""

    connect: float = 10
    read: float = 30
    pool: float = 60
    whole: float = 120


class Transport:
    """Carries requests to one site, from up to 32 threads at a time."""

    def __init__(
        self,
        site: Site,
        headers: Mapping[str, bytes],
        tempo: Tempo,
        line: httpx.BaseTransport,
        timeouts: Timeouts = Timeouts(),
    ) -> None:
        self._site = site
        self._base = httpx.URL(site.origin)
        self._headers = [
            (b"Host", self._base.netloc),
            *((name.encode(), text) for name, text in headers.items()),
        ]
        self._headers += [
            (b"User-Agent", f"keyturn/{__version__}".encode()),
            (b"Accept", b"application/json"),
        ]
        self._headers += [(b"Accept-Encoding", b"identity")]
        self._authorization = headers.get("Authorization", b"")
        self._tempo = tempo
        self._timeouts = timeouts
        self._line = line

    def send(self, call: Call) -> Reply:
        """Return the answer to ``call``, whatever its status; a read follows redirects on the same origin.

        Raises Unreachable where nothing was sent, Unsure where no whole answer came, Malformed for
        an answer to a read that is too large, Refused for a redirect of a read to elsewhere.
        """
        url = self._url(call)
        for _ in range(MOST_REDIRECTS + 1):
            reply = self._exchange(call, url)
            if not call.reads or reply.status not in _REDIRECTS:
                return reply
            url = self._followed(call, url, reply)
        raise Refused(call, Facts(status=reply.status, why="redirected too often"), number="KT517")

    def close(self) -> None:
        """Close all connections."""
        self._line.close()

    def _url(self, call: Call) -> httpx.URL:
        query = str(httpx.QueryParams(call.query)) if call.query else ""
        target = self._site.prefix + call.path + ("?" + query if query else "")
        return self._base.copy_with(raw_path=target.encode("ascii"))

    def _followed(self, call: Call, url: httpx.URL, reply: Reply) -> httpx.URL:
        try:
            there = url.join(reply.headers.get("location", ""))
            same = (there.scheme, there.host, there.port) == (url.scheme, url.host, url.port)
        except (httpx.InvalidURL, ValueError):
            same = False
        if not same or there.userinfo or there == url:
            raise Refused(call, Facts(status=reply.status, why="redirected elsewhere"), number="KT517")
        return there

    def _exchange(self, call: Call, url: httpx.URL) -> Reply:
        # The error is raised outside of the handler, so that no exception of the library, which may
        # hold headers and body, stays attached to it as its context.
        error: ServiceError
        try:
            response = self._line.handle_request(self._request(call, url))
            try:
                return self._reply(call, response)
            finally:
                response.close()
        except ServiceError as known:
            error = known
        except Exception as raised:  # noqa: BLE001
            error = classified(call, raised)
        raise error

    def _request(self, call: Call, url: httpx.URL) -> httpx.Request:
        headers = list(self._headers)
        if call.body is not None:
            headers.append((b"Content-Type", b"application/json"))
        elif not call.reads:
            headers.append((b"Content-Length", b"0"))
        times = self._timeouts
        end = self._tempo.monotonic() + max(times.whole, call.patience)
        wait = Left(max(times.read, call.patience), end, self._tempo.monotonic)
        allowed = {"connect": Left(times.connect, end, self._tempo.monotonic), "read": wait, "write": wait}
        extensions = {"timeout": {**allowed, "pool": times.pool}}
        return httpx.Request(call.method, url, headers=headers, content=call.body, extensions=extensions)

    def _reply(self, call: Call, response: httpx.Response) -> Reply:
        headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
        if any(text and text.encode() in self._authorization for text in headers.values()):
            headers = {}
        coding = response.headers.get("content-encoding", "identity")
        body = b"".join(self._bounded(call, response))
        if body and coding.lower() not in {"identity", ""}:
            raise _unreadable(call, response.status_code, "compressed, though that was not asked for")
        date = unix_time(response.headers.get("date", ""))
        return Reply(status=response.status_code, body=body, headers=headers, date=date)

    def _bounded(self, call: Call, response: httpx.Response) -> Iterator[bytes]:
        size = 0
        stream = response.stream
        assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101
        for chunk in stream:
            size += len(chunk)
            if size > LARGEST:
                raise _unreadable(call, response.status_code, "larger than 10 MB")
            yield chunk


def open_line(site: Site, *, proxy: str = "", authority: Path | None = None) -> httpx.BaseTransport:
    """Return the real way to ``site``: HTTP/1.1, kept alive, TLS verified, nothing from the environment.

    ``proxy`` is a URL, ``authority`` a PEM file of certificates to trust instead of the usual ones.
    """
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    limits = httpx.Limits(
        max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS, keepalive_expiry=_IDLE
    )
    line = httpx.HTTPTransport(
        verify=_verified(authority) if site.encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=False,
        limits=limits,
        proxy=proxy or None,
    )
    pool = line._pool  # noqa: SLF001 - httpx has no argument for it; a test with a slow server holds this up
    pool._network_backend = Patient(pool._network_backend)  # noqa: SLF001
    return line


def classified(call: Call, error: Exception) -> ServiceError:
    """Return what an exception of the library means: was a byte of the request sent or not?

    Connecting, waiting for a free connection and the handshakes of TLS and proxy come before the
    first byte. Everything else, and everything unknown, may have come after it.
    """
    kind = next((kind for kind in type(error).__mro__ if kind in _REASONS), None)
    why = _REASONS[kind] if kind else "an unexpected failure while it was sent or answered"
    if kind not in _BEFORE:
        return Unsure(call, Facts(why=why))
    cause = _cause(error)
    return Unreachable(call, Facts(why=cause or why), number="KT514" if cause == _UNTRUSTED else "")


_UNTRUSTED = "the certificate is not trusted"
_REASONS: Mapping[type, str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no connection was free in time",
    httpx.ConnectError: "no connection",
    httpx.ProxyError: "the proxy made no connection",
    httpx.UnsupportedProtocol: "not an address of http",
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "it could not be sent in time",
    httpx.ReadError: "the connection broke",
    httpx.WriteError: "the connection broke",
    httpx.CloseError: "the connection broke",
    httpx.RemoteProtocolError: "the connection ended before the answer did, or the answer is no HTTP",
}
_BEFORE = frozenset(
    {httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol}
)


def _cause(error: BaseException | None) -> str:
    tests: tuple[tuple[type[BaseException], str], ...] = (
        (ssl.SSLCertVerificationError, _UNTRUSTED),
        (ssl.SSLError, "TLS could not be agreed on"),
        (ConnectionRefusedError, "nothing listens there"),
    )
    while error is not None:
        for kind, why in tests:
            if isinstance(error, kind):
                return why
        if type(error).__name__ == "gaierror":
            return "the host's name is not known"
        error = error.__cause__ or error.__context__
    return ""


def _unreadable(call: Call, status: int, why: str) -> ServiceError:
    facts = Facts(status=status, why=why)
    return Malformed(call, facts) if call.reads else Unsure(call, facts)


def _verified(authority: Path | None) -> ssl.SSLContext:
    # Not ssl.create_default_context: that writes session keys to where SSLKEYLOGFILE says.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=str(authority) if authority else certifi.where())
    return context
