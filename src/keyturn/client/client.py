"""The API client: one method for each request that keyturn sends."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.classify import build_format_error, parse_response
from keyturn.client.decode import (
    decode_limits,
    decode_organization,
    decode_record,
    decode_rows,
    decode_single,
    decode_test_response,
    encode_config,
)
from keyturn.client.errors import UnusableIdError
from keyturn.client.messages import TEST_OPERATION, ClientClock, Request, Response
from keyturn.client.pagination import ListReader
from keyturn.client.records import (
    BACKEND_ENCODING,
    DOCUMENTED_ENCODING,
    ApiRecord,
    ConfigEncoding,
    Organization,
    RecordList,
    RequestStats,
    TestResponse,
    UnusableRow,
)
from keyturn.client.request_body import encode_bearer_token, encode_body, encode_header_value
from keyturn.client.retry import CircuitBreaker
from keyturn.client.sender import ConcurrencyLimit, RequestTransport, RetryingSender
from keyturn.client.service_text import NO_VALUES, KnownValues
from keyturn.client.strict_json import ResponseFormatError
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.secret import Secret
from keyturn.model.service_url import ServiceUrl, ServiceUrlError, is_path_segment, parse_service_url

CREDENTIALS = "credentials"
CONNECTIONS = "connections"

_JsonObject = Mapping[str, Any]
T = TypeVar("T")

_STATUS_ACCEPTED = 202
_TEST_PATH = "/api/connections/test"
_TEST_TIMEOUT = 90.0
"""Seconds; a connection test logs in to a remote system."""


class ClientSettings(Struct, frozen=True, kw_only=True):
    """Address, API key and connection options of the service.

    ``key_source`` names the source of the key in messages. ``organization`` is sent as X-Organization-ID if
    set. ``rate`` is the maximum of requests a second, 0 for unlimited. ``proxy`` is a URL, ``ca_file`` a PEM
    file of certificates that replaces the default ones.
    """

    base_url: str
    api_key: Secret
    key_source: str = "the project's key source"
    organization: str = ""
    rate: float = 0
    proxy: str = ""
    ca_file: Path | None = None


class Client:
    """A thread-safe client of one workspace.

    Every method raises ``ServiceError``; its subclass says what may have happened. A body is a mapping with
    ``Secret`` leaves in canonical form (``config``); the client encodes settings as the deployment does.
    Reads are retried. Writes are retried if they were not applied; with ``idempotent``, also if the outcome
    is unknown.
    """

    def __init__(self, transport: RequestTransport, clock: ClientClock, rate: float = 0) -> None:
        self._transport = transport
        self._sender = RetryingSender(transport, clock, rate)
        self._list_reader = ListReader(self._sender)
        self._config_encodings: dict[str, ConfigEncoding] = {}
        self._listings: dict[str, RecordList] = {}

    @classmethod
    def open(cls, settings: ClientSettings, clock: ClientClock) -> Self:
        """Return a client over HTTP; raises DiagnosticError (KT511, KT512) for invalid settings."""
        from keyturn.client import transport  # noqa: PLC0415 - the import of httpx takes 0.1 s

        url = _parse_base_url(settings.base_url)
        headers = {"Authorization": encode_bearer_token(settings.api_key, settings.key_source)}
        if settings.organization:
            headers["X-Organization-ID"] = encode_header_value(settings.organization, "organization")
        factory = transport.build_connection_factory(url, proxy=settings.proxy, ca_file=settings.ca_file)
        return cls(transport.HttpTransport(url, headers, clock, factory), clock, settings.rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    @contextmanager
    def limited_concurrency(self, slots: int, may_write: Callable[[], bool]) -> Iterator[None]:
        """Within the context, send at most ``slots`` requests at a time, and writes only if ``may_write()``.

        A write that is no longer permitted raises Withheld, or the error of its earlier attempt.
        """
        previous = self._sender.concurrency_limit
        self._sender.concurrency_limit = ConcurrencyLimit(slots=BoundedSemaphore(slots), may_write=may_write)
        try:
            yield
        finally:
            self._sender.concurrency_limit = previous

    @property
    def request_stats(self) -> RequestStats:
        """Requests so far, by operation: list read create update retire restore purge test preflight."""
        return self._sender.request_stats

    @property
    def circuit_breaker(self) -> CircuitBreaker:
        """The circuit breaker; while ``is_open``, the caller starts no new operation."""
        return self._sender.circuit_breaker

    @property
    def unauthorized(self) -> bool:
        """Whether the service rejected the key (401): no later request can succeed."""
        return self._sender.unauthorized

    @property
    def server_date(self) -> float | None:
        """The service's clock (Unix seconds) at its latest response, None if unknown."""
        return self._sender.server_date

    @property
    def list_warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings of the latest list of each collection."""
        return tuple(warning for listing in self._listings.values() for warning in listing.warnings)

    @property
    def unusable_rows(self) -> tuple[UnusableRow, ...]:
        """The rows of the latest list of each collection that cannot be decoded."""
        return tuple(row for listing in self._listings.values() for row in listing.unusable_rows)

    def config_encoding(self, collection: str) -> ConfigEncoding:
        """Return the encoding of settings in this collection, inferred from earlier responses."""
        known = self._config_encodings.get(collection)
        has_bare_list = _collection_path(CONNECTIONS) in self._list_reader.bare_array_paths
        if known is None and collection == CONNECTIONS and has_bare_list:
            return BACKEND_ENCODING
        return known or DOCUMENTED_ENCODING

    def read_organization(self) -> Organization:
        """Return the organization that the key belongs to."""
        return self._send_preflight("/api/organization", decode_organization)

    def read_limits(self) -> Mapping[str, int]:
        """Return the limits of the plan, such as ``max_connections``."""
        return self._send_preflight("/api/features/limits", decode_limits)

    def list_connectors(self) -> tuple[_JsonObject, ...]:
        """Return the connectors: ``id``, ``name``, ``category``, ``description``."""
        return self._send_preflight("/api/connector-gallery", _decode_connectors)

    def list_records(self, collection: str) -> RecordList:
        """Return all objects of ``credentials`` or ``connections`` that the key may see."""
        listing = self._read_list(_collection_path(collection))
        for record in listing.records:
            self._remember_encoding(collection, record)
        return listing

    def list_credentials(self) -> RecordList:
        """Return all credentials that the key may see."""
        return self.list_records(CREDENTIALS)

    def list_connections(self) -> RecordList:
        """Return all connections that the key may see; items have no ``config`` in most deployments."""
        return self.list_records(CONNECTIONS)

    def list_pipelines(self) -> RecordList:
        """Return all pipelines, usually without nodes; other fields are in ``extra``."""
        return self._read_list("/api/pipelines", partial=True)

    def list_schedules(self) -> RecordList:
        """Return all schedules; read their fields with ``read_either_case(record.extra, "pipeline_id")``."""
        return self._read_list("/api/schedules", partial=True)

    def list_syncs(self) -> RecordList:
        """Return all reverse-ETL syncs; ``destination_id`` in ``extra`` is the ID of a connection."""
        return self._read_list("/api/reverse-etl/syncs", partial=True)

    def read_pipeline(self, identity: str) -> ApiRecord:
        """Return one pipeline with its nodes, in ``extra``."""
        return self._read_by_id("pipelines", identity, partial=True)

    def read_record(self, collection: str, identity: str) -> ApiRecord:
        """Return one object, also a deleted one (``is_deleted``); raises NotFound."""
        record = self._read_by_id(collection, identity, partial=False)
        return self._remember_encoding(collection, record)

    def create_record(
        self, collection: str, body: _JsonObject, *, is_unapplied: Callable[[], bool] = lambda: False
    ) -> ApiRecord:
        """Create an object and return it.

        ``is_unapplied`` is called after an unknown outcome; the request is retried only if it returns True,
        which means that no object was created. Raises OutcomeUnknown also for a success without an ID.
        ``pending`` in the result: the caller must read the object again.
        """
        encoded = self._encode_for_collection(collection, body)
        request = _build_request("POST", (collection,), "create", encoded)

        def decode(response: Response) -> ApiRecord:
            return self._decode_response(request, response, lambda tree: _decode_written(response, tree))

        record = self._sender.send_and_decode(request, decode, idempotent=False, is_unapplied=is_unapplied)
        name = record.name or str(body.get("name") or "")
        record = replace(record, name=name, type=record.type or str(body.get("type") or ""))
        return self._remember_encoding(collection, record)

    def update_record(
        self, collection: str, identity: str, body: _JsonObject, *, idempotent: bool = False
    ) -> ApiRecord | None:
        """Update an object; returns it if the response has it, else None."""
        is_backend = self.config_encoding(collection) == BACKEND_ENCODING
        encoded = self._encode_for_collection(collection, {"id": identity, **body} if is_backend else body)
        request = _build_request("PUT", (collection, identity), "update", encoded)

        def decode(response: Response) -> ApiRecord | None:
            tree = parse_response(request, response)
            try:
                record = _decode_written(response, tree)
            except ResponseFormatError:
                return None
            return _require_id(record, identity, request, response)

        return self._sender.send_and_decode(request, decode, idempotent=idempotent)

    def retire_record(self, collection: str, identity: str, *, idempotent: bool = False) -> None:
        """Delete an object: a credential goes to the trash, a connection is deleted permanently."""
        self._sender.send(_build_request("DELETE", (collection, identity), "retire"), idempotent=idempotent)

    def restore_credential(self, identity: str, *, idempotent: bool = False) -> None:
        """Restore a credential from the trash."""
        request = _build_request("POST", (CREDENTIALS, identity, "restore"), "restore")
        self._sender.send(request, idempotent=idempotent)

    def purge_credential(self, identity: str, *, idempotent: bool = False) -> None:
        """Delete a credential permanently."""
        request = _build_request("DELETE", (CREDENTIALS, identity, "permanent"), "purge")
        self._sender.send(request, idempotent=idempotent)

    def test_connection(self, body: _JsonObject, known_values: KnownValues = NO_VALUES) -> TestResponse:
        """Test a connection, saved or not: ``type``, ``config``, ``credentialId``.

        The message of the result shows ``known_values``. A test changes nothing, so it is sent again
        without a usable response.
        """
        encoded = self._encode_for_collection(CONNECTIONS, body)
        request = Request(
            method="POST",
            path=_TEST_PATH,
            path_template=_TEST_PATH,
            operation=TEST_OPERATION,
            body=encoded,
            timeout=_TEST_TIMEOUT,
        )
        response = self._sender.send(request, idempotent=True)
        return decode_test_response(parse_response(request, response), known_values)

    def _read_list(self, path: str, *, partial: bool = False) -> RecordList:
        self._listings[path] = listing = self._list_reader.read_list(path, partial=partial)
        return listing

    def _send_preflight(self, path: str, decode: Callable[[object], T]) -> T:
        request = Request(method="GET", path=path, path_template=path, operation="preflight")
        if self._sender.has_succeeded:
            response = self._sender.send(request, idempotent=True)
        else:
            response = self._list_reader.send_list_request(request)
        return self._decode_response(request, response, decode)

    def _read_by_id(self, collection: str, identity: str, *, partial: bool) -> ApiRecord:
        request = _build_request("GET", (collection, identity), "read")
        response = self._sender.send(request, idempotent=True)
        record = self._decode_response(
            request, response, lambda tree: decode_record(decode_single(tree), partial=partial)
        )
        return _require_id(record, identity, request, response)

    def _encode_for_collection(self, collection: str, body: _JsonObject) -> bytes:
        return encode_body(encode_config(body, self.config_encoding(collection)))

    def _decode_response(self, request: Request, response: Response, decode: Callable[[object], T]) -> T:
        tree = parse_response(request, response)
        try:
            return decode(tree)
        except ResponseFormatError as error:
            reason = str(error)
        raise build_format_error(request, response, reason)

    def _remember_encoding(self, collection: str, record: ApiRecord) -> ApiRecord:
        if record.config is not None:
            self._config_encodings[collection] = record.config_encoding
        return record


def _decode_written(response: Response, tree: object) -> ApiRecord:
    return decode_record(decode_single(tree), partial=True, pending=response.status == _STATUS_ACCEPTED)


def _require_id(record: ApiRecord, identity: str, request: Request, response: Response) -> ApiRecord:
    if record.id != identity:
        raise build_format_error(request, response, "another object was returned")
    return record


def _decode_connectors(tree: object) -> tuple[_JsonObject, ...]:
    return tuple(map(decode_single, decode_rows(tree, "connectors")[0]))


def _parse_base_url(base_url: str) -> ServiceUrl:
    try:
        return parse_service_url(base_url)
    except ServiceUrlError as error:
        message = f"base_url is refused: {error}"
    raise DiagnosticError(
        Diagnostic(
            code="KT511",
            severity=Severity.ERROR,
            message=message,
            origin=SourceLocation("keyturn.yaml"),
            hint="set it to https://HOST, followed by /v1 if your deployment needs it",
        )
    )


def _collection_path(collection: str) -> str:
    return f"/api/{collection}"


def _build_request(
    method: str, target: tuple[str, ...], operation: str, body: bytes | None = None
) -> Request:
    collection, *rest = target
    path = template = _collection_path(collection)
    if rest:
        suffix = "".join(f"/{part}" for part in rest[1:])
        path, template = f"{path}/{rest[0]}{suffix}", f"{template}/{{id}}{suffix}"
    request = Request(method=method, path=path, path_template=template, operation=operation, body=body)
    if rest and not is_path_segment(rest[0]):
        raise UnusableIdError(request)
    return request
