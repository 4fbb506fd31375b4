"""The way to the service: httpx's transport under our own rules, imported only when a client is made.

Not ``httpx.Client``: cookies, redirects, decompression, ``netrc`` and proxies of the environment
are what it adds, and none of it is wanted here; it also doubles the cost of a request.
"""

import logging
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import lru_cache
from pathlib import Path
from socket import gaierror

import certifi
import httpx as httpx  # noqa: E402, PLC0414  # the one place that imports it
from msgspec import Struct

from keyturn import __version__
from keyturn.client.deadline import DeadlineBackend, RemainingTimeout
from keyturn.client.errors import (
    ErrorDetails,
    InvalidResponse,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    ServiceError,
    UntrustedCertificateError,
)
from keyturn.client.messages import ClientClock, Request, Response
from keyturn.client.retry import parse_http_date
from keyturn.client.sender import ConcurrencyLimit
from keyturn.model.service_url import ServiceUrl

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: not to be imported

if sys.modules["httpx._main"] is None:
    del sys.modules["httpx._main"]

_NOT_SENT_REASONS: Mapping[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no connection was free in time",
    httpx.ConnectError: "no connection",
    httpx.ProxyError: "the proxy made no connection",
    httpx.UnsupportedProtocol: "not an address of http",
}
_UNKNOWN_OUTCOME_REASONS: Mapping[type[Exception], str] = {
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "it could not be sent in time",
    httpx.ReadError: "the connection broke",
    httpx.WriteError: "the connection broke",
    httpx.CloseError: "the connection broke",
    httpx.RemoteProtocolError: "the connection ended before the answer did, or the answer is no HTTP",
}
_KNOWN_CAUSES: Mapping[type[BaseException], str] = {
    ssl.SSLCertVerificationError: "the certificate is not trusted",
    ssl.SSLError: "TLS could not be agreed on",
    gaierror: "the host's name is not known",
    ConnectionRefusedError: "nothing listens there",
}


def classify_transport_error(request: Request, error: Exception) -> ServiceError:
    """Return what an exception of httpx means for ``call``: Unreachable or Unsure.

    Connecting, waiting for a free connection and the handshakes of TLS and proxy come before the
    first byte of the request. Everything else, and everything unknown, may have come after it: a
    write that failed may have been read in part, and a kept-alive connection that the service
    closes as a request is written looks the same whether the request was read or not.
    """
    for kind, why in _NOT_SENT_REASONS.items():
        if isinstance(error, kind):
            cause, found = _find_cause(error)
            trusted = not isinstance(cause, ssl.SSLCertVerificationError)
            refusal = NotSent if trusted else UntrustedCertificateError
            return refusal(request, ErrorDetails(reason=found or why))
    why = next((why for kind, why in _UNKNOWN_OUTCOME_REASONS.items() if isinstance(error, kind)), "")
    return OutcomeUnknown(
        request, ErrorDetails(reason=why or "an unexpected failure while it was sent or answered")
    )


def _find_cause(error: BaseException | None) -> tuple[BaseException | None, str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for kind, why in _KNOWN_CAUSES.items():
            if isinstance(error, kind):
                return error, why
        error = error.__cause__ or error.__context__
    return None, ""


MAX_RESPONSE_BYTES = 10 * 1024 * 1024
"""Bytes of the largest answer that is read: 10,000 connections are about 3 MB."""

MAX_REDIRECTS = 3
"""Redirects of a read that are followed."""

_KEEPALIVE_SECONDS = 3.0
"""Seconds that an idle connection is kept: common servers close theirs after 5 s or more."""

_BODY_COMPLETE_EVENT = "http11.receive_response_body.complete"
"""A step of which httpcore tells a trace: https://www.encode.io/httpcore/extensions/#trace"""

_KEPT_HEADERS = frozenset(
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
_REQUEST_ID_HEADER_NAMES = frozenset({b"request-id", b"x-correlation-id", b"x-request-id"})
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})


class RequestTimeouts(Struct, frozen=True, kw_only=True):
    """Seconds: to connect, to wait for the next bytes, and for the whole call."""

    connect: float = 10
    read: float = 30
    total: float = 120


DEFAULT_TIMEOUTS = RequestTimeouts()


class HttpTransport:
    """Carries requests to one base URL, from any number of threads, each on a line of its own.

    Not on one pool of connections, which all threads would wait for: with twelve of them it asks the
    system eleven times a request which of its connections are still alive, holding its lock.
    """

    def __init__(
        self,
        base: ServiceUrl,
        headers: Mapping[str, bytes],
        clock: ClientClock,
        open_line: Callable[[], httpx.BaseTransport],
        timeouts: RequestTimeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        self._prefix = base.prefix
        self._base_url = httpx.URL(base.origin)
        self._headers = (
            (b"Host", self._base_url.netloc),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", f"keyturn/{__version__}".encode()),
            *((name.encode(), text) for name, text in headers.items()),
        )
        self._authorization = headers.get("Authorization", b"")
        self._clock = clock
        self._timeouts = timeouts
        self._open_connection = open_line
        self._connections: list[httpx.BaseTransport] = []
        self._idle_connections: list[httpx.BaseTransport] = []
        self._cached_url = lru_cache(maxsize=256)(self._parse_target)

    def send(self, request: Request, concurrency_limit: ConcurrencyLimit) -> Response:
        """Return the answer to ``call``, whatever its status; a read follows redirects on its own origin.

        Raises Unreachable where nothing was sent, Unsure where no whole answer came, Malformed for
        an answer to a read that is too large, Refused for a redirect of a read to elsewhere, KeptBack
        for what ``admission`` does not let pass.
        """
        query = str(httpx.QueryParams(request.query)) if request.query else ""
        url = self._cached_url(self._prefix + request.path + ("?" + query if query else ""))
        for _ in range(MAX_REDIRECTS + 1):
            reply = self._send_once(request, url, concurrency_limit)
            if not request.is_read or reply.status not in _REDIRECT_STATUSES:
                return reply
            url = _follow_redirect(request, url, reply)
        raise RequestRejected(
            request, ErrorDetails(status=reply.status, reason="redirected too often"), diagnostic_code="KT517"
        )

    def close(self) -> None:
        """Close all connections."""
        for line in self._connections:
            line.close()

    def _parse_target(self, target: str) -> httpx.URL:
        return self._base_url.copy_with(raw_path=target.encode("ascii"))

    def _send_once(self, call: Request, url: httpx.URL, concurrency_limit: ConcurrencyLimit) -> Response:
        # The error is raised outside of the handler, so that no exception of the library, which may
        # hold headers and body, stays attached to it as its context.
        error: ServiceError
        try:
            request = self._build_request(call, url)
            with ExitStack() as turn, self._borrow_connection() as line:
                turn.enter_context(concurrency_limit.acquire_slot(call))
                # The turn ends with the last byte: what is left to do is not under way any more.
                request.extensions = {
                    "timeout": self._build_timeouts(call),
                    "trace": _on_body_complete(turn.close),
                }
                with closing(line.handle_request(request)) as response:
                    return self._read_response(call, response)
        except ServiceError as known:
            error = known
        except Exception as raised:  # noqa: BLE001 - whatever it is, a byte may have been sent
            error = classify_transport_error(call, raised)
        raise error

    @contextmanager
    def _borrow_connection(self) -> Iterator[httpx.BaseTransport]:
        try:
            line = self._idle_connections.pop()  # the one used last, whose connection is the most alive
        except IndexError:
            line = self._open_connection()
            self._connections.append(line)
        try:
            yield line
        finally:
            self._idle_connections.append(line)

    def _build_request(self, request: Request, url: httpx.URL) -> httpx.Request:
        headers = [*self._headers, (b"Content-Length", str(len(request.body or b"")).encode())]
        if request.body is not None:
            headers.append((b"Content-Type", b"application/json"))
        elif request.is_read:
            headers.pop()
        return httpx.Request(request.method, url, headers=headers, content=request.body)

    def _build_timeouts(self, request: Request) -> dict[str, float]:
        times = self._timeouts
        clock = self._clock.monotonic
        end = clock() + max(times.total, request.timeout)
        wait = RemainingTimeout(max(times.read, request.timeout), end, clock)
        return {"connect": RemainingTimeout(times.connect, end, clock), "read": wait, "write": wait}

    def _read_response(self, request: Request, response: httpx.Response) -> Response:
        headers = self._select_headers(response)
        body = b"".join(_read_bounded(request, response))
        if body and headers.get("content-encoding", "identity").lower() != "identity":
            raise _unreadable_response(
                request, response.status_code, "compressed, though that was not asked for"
            )
        date = parse_http_date(headers.get("date", ""))
        return Response(status=response.status_code, body=body, headers=headers, date=date)

    def _select_headers(self, response: httpx.Response) -> dict[str, str]:
        # As bytes, for httpx's mapping costs a tenth of a request. An id that echoes the key is no id.
        raw = ((name.lower(), text) for name, text in response.headers.raw)
        return {
            name.decode("ascii"): text.decode("latin-1")
            for name, text in raw
            if name in _KEPT_HEADERS or (name in _REQUEST_ID_HEADER_NAMES and text not in self._authorization)
        }


def build_connection_factory(
    base: ServiceUrl, *, proxy: str = "", authority: Path | None = None
) -> Callable[[], httpx.HTTPTransport]:
    """Return what opens a line to ``base``: one connection at a time, HTTP/1.1, kept alive, TLS verified.

    ``proxy`` is a URL, ``authority`` a PEM file of certificates to trust instead of the usual ones;
    nothing comes from the environment.
    """
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    trust = _build_ssl_context(authority) if base.is_encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEPALIVE_SECONDS)

    def open_connection() -> httpx.HTTPTransport:
        opened = httpx.HTTPTransport(verify=trust, trust_env=False, limits=limits, proxy=proxy or None)
        pool = opened._pool  # noqa: SLF001 - httpx has no argument for it; a test with a slow server holds this up
        pool._network_backend = DeadlineBackend(pool._network_backend)  # noqa: SLF001
        return opened

    return open_connection


def _build_ssl_context(authority: Path | None) -> ssl.SSLContext:
    # Not ssl.create_default_context: that writes session keys to where SSLKEYLOGFILE says.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=str(authority) if authority else certifi.where())
    return context


def _on_body_complete(do: Callable[[], None]) -> Callable[[str, object], None]:
    def handle_event(step: str, _: object) -> None:
        if step == _BODY_COMPLETE_EVENT:
            do()

    return handle_event


def _follow_redirect(request: Request, url: httpx.URL, response: Response) -> httpx.URL:
    there = url
    try:
        there = url.join(response.headers.get("location", ""))
        same = (there.scheme, there.host, there.port) == (url.scheme, url.host, url.port)
    except (httpx.InvalidURL, ValueError):
        same = False
    if not same or there.userinfo or there == url:
        raise RequestRejected(
            request,
            ErrorDetails(status=response.status, reason="redirected elsewhere"),
            diagnostic_code="KT517",
        )
    return there


def _read_bounded(request: Request, response: httpx.Response) -> Iterator[bytes]:
    size = 0
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101 - HTTPTransport gives no other
    for chunk in stream:
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            raise _unreadable_response(request, response.status_code, "larger than 10 MB")
        yield chunk


def _unreadable_response(request: Request, status: int, reason: str) -> ServiceError:
    facts = ErrorDetails(status=status, reason=reason)
    return InvalidResponse(request, facts) if request.is_read else OutcomeUnknown(request, facts)
