"""HTTP transport: one request, one response, over connections of httpx.

Uses ``httpx.HTTPTransport``, not ``httpx.Client``: the latter adds cookies, redirects, decompression,
``netrc`` and proxies of the environment, and doubles the cost of a request. Only ``Client.open`` imports
this module, because the import of httpx takes 0.1 s.
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

# httpx imports its command line, with click and rich, unless that import fails. None makes it fail.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx  # noqa: E402

if sys.modules["httpx._main"] is None:
    del sys.modules["httpx._main"]

MAX_RESPONSE_BYTES = 10 * 1024 * 1024
"""Bytes of the largest accepted response: 10,000 connections are about 3 MB."""

MAX_REDIRECTS = 3
"""Redirects of a read that are followed."""

_KEEPALIVE_SECONDS = 3.0
"""Seconds that an idle connection is kept: common servers close theirs after 5 s or more."""

_BODY_COMPLETE_EVENT = "http11.receive_response_body.complete"
"""A trace event of httpcore: https://www.encode.io/httpcore/extensions/#trace"""

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
_REQUEST_ID_HEADERS = frozenset({b"request-id", b"x-correlation-id", b"x-request-id"})
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

_NOT_SENT_REASONS: Mapping[type[Exception], str] = {
    httpx.ConnectTimeout: "connecting timed out",
    httpx.PoolTimeout: "no connection was free in time",
    httpx.ConnectError: "no connection",
    httpx.ProxyError: "the proxy did not connect",
    httpx.UnsupportedProtocol: "not an HTTP address",
}
_UNKNOWN_OUTCOME_REASONS: Mapping[type[Exception], str] = {
    httpx.ReadTimeout: "no response in time",
    httpx.WriteTimeout: "sending timed out",
    httpx.ReadError: "the connection broke",
    httpx.WriteError: "the connection broke",
    httpx.CloseError: "the connection broke",
    httpx.RemoteProtocolError: "the connection ended before the response, or the response is not HTTP",
}
_KNOWN_CAUSES: Mapping[type[BaseException], str] = {
    ssl.SSLCertVerificationError: "the certificate is not trusted",
    ssl.SSLError: "the TLS handshake failed",
    gaierror: "the host name cannot be resolved",
    ConnectionRefusedError: "connection refused",
}


class RequestTimeouts(Struct, frozen=True, kw_only=True):
    """Seconds: to connect, to wait for the next bytes, and for the whole request."""

    connect: float = 10
    read: float = 30
    total: float = 120


DEFAULT_TIMEOUTS = RequestTimeouts()


def classify_transport_error(request: Request, error: Exception) -> ServiceError:
    """Return NotSent or OutcomeUnknown for an exception of httpx.

    The connection, a free connection and the handshakes of TLS and proxy precede the first byte of the
    request. Any other exception may have followed it: the service may have read a part of a failed write.
    If the service closes a kept-alive connection during a write, it is unknown whether it read the request.
    """
    for kind, reason in _NOT_SENT_REASONS.items():
        if isinstance(error, kind):
            cause, cause_reason = _find_cause(error)
            is_untrusted = isinstance(cause, ssl.SSLCertVerificationError)
            error_type = UntrustedCertificateError if is_untrusted else NotSent
            return error_type(request, ErrorDetails(reason=cause_reason or reason))
    reasons = (reason for kind, reason in _UNKNOWN_OUTCOME_REASONS.items() if isinstance(error, kind))
    return OutcomeUnknown(
        request, ErrorDetails(reason=next(reasons, "an unexpected failure during the request"))
    )


def _find_cause(error: BaseException | None) -> tuple[BaseException | None, str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for kind, reason in _KNOWN_CAUSES.items():
            if isinstance(error, kind):
                return error, reason
        error = error.__cause__ or error.__context__
    return None, ""


class HttpTransport:
    """Sends requests to one base URL from any number of threads, each over its own connection.

    Threads do not share one pool of httpcore: with twelve connections, its lock is held for eleven system
    calls a request to test which connections are alive.
    """

    def __init__(
        self,
        base: ServiceUrl,
        headers: Mapping[str, bytes],
        clock: ClientClock,
        open_connection: Callable[[], httpx.BaseTransport],
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
        self._open_connection = open_connection
        self._connections: list[httpx.BaseTransport] = []
        self._idle_connections: list[httpx.BaseTransport] = []
        self._cached_url = lru_cache(maxsize=256)(self._parse_target)

    def send(self, request: Request, concurrency_limit: ConcurrencyLimit) -> Response:
        """Return the response of any status; a read follows redirects on its own origin.

        Raises NotSent, OutcomeUnknown without a complete response, InvalidResponse for a response to a read
        that is too large, RequestRejected for a redirect of a read to another origin, and Withheld.
        """
        query = str(httpx.QueryParams(request.query)) if request.query else ""
        url = self._cached_url(self._prefix + request.path + ("?" + query if query else ""))
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send_once(request, url, concurrency_limit)
            if not request.is_read or response.status not in _REDIRECT_STATUSES:
                return response
            url = _follow_redirect(request, url, response)
        raise _reject_redirect(request, response, "redirected too often")

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()

    def _parse_target(self, target: str) -> httpx.URL:
        return self._base_url.copy_with(raw_path=target.encode("ascii"))

    def _send_once(self, request: Request, url: httpx.URL, concurrency_limit: ConcurrencyLimit) -> Response:
        # Raised outside of the handler: an exception of httpx, which may have headers and body, must not
        # become the context of the error.
        error: ServiceError
        try:
            http_request = self._build_request(request, url)
            with ExitStack() as slot, self._borrow_connection() as connection:
                slot.enter_context(concurrency_limit.acquire_slot(request))
                http_request.extensions = {
                    "timeout": self._build_timeouts(request),
                    # Releases the slot with the last byte, before the response is decoded.
                    "trace": _on_body_complete(slot.close),
                }
                with closing(connection.handle_request(http_request)) as http_response:
                    return self._read_response(request, http_response)
        except ServiceError as service_error:
            error = service_error
        except Exception as exception:  # noqa: BLE001 - for any exception, a byte may have been sent
            error = classify_transport_error(request, exception)
        raise error

    @contextmanager
    def _borrow_connection(self) -> Iterator[httpx.BaseTransport]:
        try:
            connection = self._idle_connections.pop()  # the last one used is the least likely to be closed
        except IndexError:
            connection = self._open_connection()
            self._connections.append(connection)
        try:
            yield connection
        finally:
            self._idle_connections.append(connection)

    def _build_request(self, request: Request, url: httpx.URL) -> httpx.Request:
        headers = [*self._headers, (b"Content-Length", str(len(request.body or b"")).encode())]
        if request.body is not None:
            headers.append((b"Content-Type", b"application/json"))
        elif request.is_read:
            headers.pop()
        return httpx.Request(request.method, url, headers=headers, content=request.body)

    def _build_timeouts(self, request: Request) -> dict[str, float]:
        timeouts = self._timeouts
        clock = self._clock.monotonic
        deadline = clock() + max(timeouts.total, request.timeout)
        wait = RemainingTimeout(max(timeouts.read, request.timeout), deadline, clock)
        return {"connect": RemainingTimeout(timeouts.connect, deadline, clock), "read": wait, "write": wait}

    def _read_response(self, request: Request, response: httpx.Response) -> Response:
        headers = self._select_headers(response)
        body = b"".join(_read_bounded(request, response))
        if body and headers.get("content-encoding", "identity").lower() != "identity":
            raise _unreadable_response(request, response.status_code, "compressed without a request for it")
        date = parse_http_date(headers.get("date", ""))
        return Response(status=response.status_code, body=body, headers=headers, date=date)

    def _select_headers(self, response: httpx.Response) -> dict[str, str]:
        # Raw bytes, because httpx' mapping takes a tenth of the time of a request. A request ID that is a
        # part of the API key is dropped.
        raw = ((name.lower(), text) for name, text in response.headers.raw)
        return {
            name.decode("ascii"): text.decode("latin-1")
            for name, text in raw
            if name in _KEPT_HEADERS or (name in _REQUEST_ID_HEADERS and text not in self._authorization)
        }


def build_connection_factory(
    base: ServiceUrl, *, proxy: str = "", ca_file: Path | None = None
) -> Callable[[], httpx.HTTPTransport]:
    """Return a function that opens a connection to ``base``: HTTP/1.1, keep-alive, verified TLS.

    ``proxy`` is a URL, ``ca_file`` a PEM file of certificates that replaces the default ones. Environment
    variables have no effect.
    """
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    tls = _build_ssl_context(ca_file) if base.is_encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEPALIVE_SECONDS)

    def open_connection() -> httpx.HTTPTransport:
        connection = httpx.HTTPTransport(verify=tls, trust_env=False, limits=limits, proxy=proxy or None)
        pool = connection._pool  # noqa: SLF001 - see `deadline`; tests with slow servers check the effect
        pool._network_backend = DeadlineBackend(pool._network_backend)  # noqa: SLF001
        return connection

    return open_connection


def _build_ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    # ssl.create_default_context would write session keys to the file in SSLKEYLOGFILE.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=str(ca_file) if ca_file else certifi.where())
    return context


def _on_body_complete(callback: Callable[[], None]) -> Callable[[str, object], None]:
    def handle_event(event: str, _: object) -> None:
        if event == _BODY_COMPLETE_EVENT:
            callback()

    return handle_event


def _follow_redirect(request: Request, url: httpx.URL, response: Response) -> httpx.URL:
    target = url
    try:
        target = url.join(response.headers.get("location", ""))
        is_same_origin = (target.scheme, target.host, target.port) == (url.scheme, url.host, url.port)
    except (httpx.InvalidURL, ValueError):
        is_same_origin = False
    if not is_same_origin or target.userinfo or target == url:
        raise _reject_redirect(request, response, "redirected elsewhere")
    return target


def _reject_redirect(request: Request, response: Response, reason: str) -> RequestRejected:
    details = ErrorDetails(status=response.status, reason=reason)
    return RequestRejected(request, details, diagnostic_code="KT517")


def _read_bounded(request: Request, response: httpx.Response) -> Iterator[bytes]:
    size = 0
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101 - as HTTPTransport returns
    for chunk in stream:
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            raise _unreadable_response(request, response.status_code, "larger than 10 MB")
        yield chunk


def _unreadable_response(request: Request, status: int, reason: str) -> ServiceError:
    details = ErrorDetails(status=status, reason=reason)
    return InvalidResponse(request, details) if request.is_read else OutcomeUnknown(request, details)
