"""The way to the service: httpx's transport under our own rules, imported only when a client is made.

Not ``httpx.Client``: cookies, redirects, decompression, ``netrc`` and proxies of the environment
are what it adds, and none of it is wanted here; it also doubles the cost of a request.
"""

import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import lru_cache
from pathlib import Path

import certifi
from msgspec import Struct

from keyturn import __version__
from keyturn.api.admission import Admission
from keyturn.api.broken import classified
from keyturn.api.call import Call, Reply, Tempo
from keyturn.api.deadline import Left, Patient
from keyturn.api.errors import Facts, Malformed, Refused, ServiceError, Unsure
from keyturn.api.http import httpx
from keyturn.api.retry import unix_time
from keyturn.core.service_url import ServiceUrl

LARGEST = 10 * 1024 * 1024
"""Bytes of the largest answer that is read: 10,000 connections are about 3 MB."""

MOST_HOPS = 3
"""Redirects of a read that are followed."""

_IDLE = 3.0
"""Seconds that an idle connection is kept: common servers close theirs after 5 s or more."""

_LAST_BYTE = "http11.receive_response_body.complete"
"""A step of which httpcore tells a trace: https://www.encode.io/httpcore/extensions/#trace"""

_KEPT = frozenset(
    {
        b"content-encoding",
        b"date",
        b"location",
        b"retry-after",
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
    }
)
_SHOWN = frozenset({b"request-id", b"x-correlation-id", b"x-request-id"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Timeouts(Struct, frozen=True, kw_only=True):
    """Seconds: to connect, to wait for the next bytes, and for the whole call."""

    connect: float = 10
    read: float = 30
    whole: float = 120


USUAL = Timeouts()


class Transport:
    """Carries requests to one base URL, from any number of threads, each on a line of its own.

    Not on one pool of connections, which all threads would wait for: with twelve of them it asks the
    system eleven times a request which of its connections are still alive, holding its lock.
    """

    def __init__(
        self,
        base: ServiceUrl,
        headers: Mapping[str, bytes],
        tempo: Tempo,
        open_line: Callable[[], httpx.BaseTransport],
        timeouts: Timeouts = USUAL,
    ) -> None:
        self._prefix = base.prefix
        self._base = httpx.URL(base.origin)
        self._headers = (
            (b"Host", self._base.netloc),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", f"keyturn/{__version__}".encode()),
            *((name.encode(), text) for name, text in headers.items()),
        )
        self._authorization = headers.get("Authorization", b"")
        self._tempo = tempo
        self._timeouts = timeouts
        self._open_line = open_line
        self._lines: list[httpx.BaseTransport] = []
        self._idle: list[httpx.BaseTransport] = []
        self._url = lru_cache(maxsize=256)(self._parsed)

    def send(self, call: Call, admission: Admission) -> Reply:
        """Return the answer to ``call``, whatever its status; a read follows redirects on its own origin.

        Raises Unreachable where nothing was sent, Unsure where no whole answer came, Malformed for
        an answer to a read that is too large, Refused for a redirect of a read to elsewhere, KeptBack
        for what ``admission`` does not let pass.
        """
        query = str(httpx.QueryParams(call.query)) if call.query else ""
        url = self._url(self._prefix + call.path + ("?" + query if query else ""))
        for _ in range(MOST_HOPS + 1):
            reply = self._exchange(call, url, admission)
            if not call.reads or reply.status not in _REDIRECTS:
                return reply
            url = _followed(call, url, reply)
        raise Refused(call, Facts(status=reply.status, why="redirected too often"), number="KT517")

    def close(self) -> None:
        """Close all connections."""
        for line in self._lines:
            line.close()

    def _parsed(self, target: str) -> httpx.URL:
        return self._base.copy_with(raw_path=target.encode("ascii"))

    def _exchange(self, call: Call, url: httpx.URL, admission: Admission) -> Reply:
        # The error is raised outside of the handler, so that no exception of the library, which may
        # hold headers and body, stays attached to it as its context.
        error: ServiceError
        try:
            request = self._request(call, url)
            with ExitStack() as turn, self._line() as line:
                turn.enter_context(admission.turn(call))
                # The turn ends with the last byte: what is left to do is not under way any more.
                request.extensions = {"timeout": self._timeout(call), "trace": _at_the_end(turn.close)}
                with closing(line.handle_request(request)) as response:
                    return self._reply(call, response)
        except ServiceError as known:
            error = known
        except Exception as raised:  # noqa: BLE001 - whatever it is, a byte may have been sent
            error = classified(call, raised)
        raise error

    @contextmanager
    def _line(self) -> Iterator[httpx.BaseTransport]:
        try:
            line = self._idle.pop()  # the one used last, whose connection is the most alive
        except IndexError:
            line = self._open_line()
            self._lines.append(line)
        try:
            yield line
        finally:
            self._idle.append(line)

    def _request(self, call: Call, url: httpx.URL) -> httpx.Request:
        headers = [*self._headers, (b"Content-Length", str(len(call.body or b"")).encode())]
        if call.body is not None:
            headers.append((b"Content-Type", b"application/json"))
        elif call.reads:
            headers.pop()
        return httpx.Request(call.method, url, headers=headers, content=call.body)

    def _timeout(self, call: Call) -> dict[str, float]:
        times = self._timeouts
        clock = self._tempo.monotonic
        end = clock() + max(times.whole, call.patience)
        wait = Left(max(times.read, call.patience), end, clock)
        return {"connect": Left(times.connect, end, clock), "read": wait, "write": wait}

    def _reply(self, call: Call, response: httpx.Response) -> Reply:
        headers = self._kept(response)
        body = b"".join(_bounded(call, response))
        if body and headers.get("content-encoding", "identity").lower() != "identity":
            raise _unreadable(call, response.status_code, "compressed, though that was not asked for")
        date = unix_time(headers.get("date", ""))
        return Reply(status=response.status_code, body=body, headers=headers, date=date)

    def _kept(self, response: httpx.Response) -> dict[str, str]:
        # As bytes, for httpx's mapping costs a tenth of a request. An id that echoes the key is no id.
        raw = ((name.lower(), text) for name, text in response.headers.raw)
        return {
            name.decode("ascii"): text.decode("latin-1")
            for name, text in raw
            if name in _KEPT or (name in _SHOWN and text not in self._authorization)
        }


def lines(
    base: ServiceUrl, *, proxy: str = "", authority: Path | None = None
) -> Callable[[], httpx.HTTPTransport]:
    """Return what opens a line to ``base``: one connection at a time, HTTP/1.1, kept alive, TLS verified.

    ``proxy`` is a URL, ``authority`` a PEM file of certificates to trust instead of the usual ones;
    nothing comes from the environment.
    """
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    trust = _trusting(authority) if base.is_encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE)

    def line() -> httpx.HTTPTransport:
        opened = httpx.HTTPTransport(verify=trust, trust_env=False, limits=limits, proxy=proxy or None)
        pool = opened._pool  # noqa: SLF001 - httpx has no argument for it; a test with a slow server holds this up
        pool._network_backend = Patient(pool._network_backend)  # noqa: SLF001
        return opened

    return line


def _trusting(authority: Path | None) -> ssl.SSLContext:
    # Not ssl.create_default_context: that writes session keys to where SSLKEYLOGFILE says.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=str(authority) if authority else certifi.where())
    return context


def _at_the_end(do: Callable[[], None]) -> Callable[[str, object], None]:
    def told(step: str, _: object) -> None:
        if step == _LAST_BYTE:
            do()

    return told


def _followed(call: Call, url: httpx.URL, reply: Reply) -> httpx.URL:
    there = url
    try:
        there = url.join(reply.headers.get("location", ""))
        same = (there.scheme, there.host, there.port) == (url.scheme, url.host, url.port)
    except (httpx.InvalidURL, ValueError):
        same = False
    if not same or there.userinfo or there == url:
        raise Refused(call, Facts(status=reply.status, why="redirected elsewhere"), number="KT517")
    return there


def _bounded(call: Call, response: httpx.Response) -> Iterator[bytes]:
    size = 0
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101 - HTTPTransport gives no other
    for chunk in stream:
        size += len(chunk)
        if size > LARGEST:
            raise _unreadable(call, response.status_code, "larger than 10 MB")
        yield chunk


def _unreadable(call: Call, status: int, why: str) -> ServiceError:
    facts = Facts(status=status, why=why)
    return Malformed(call, facts) if call.reads else Unsure(call, facts)
