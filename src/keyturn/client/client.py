"""The service as keyturn uses it: every request there is, in words of the domain."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client import decode
from keyturn.client.classify import invalid_response, parse_response
from keyturn.client.decode import decode_record, decode_rows, decode_single, encode_config
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
)
from keyturn.client.request_body import (
    NO_REDACTION,
    SecretRedactor,
    collect_secrets,
    encode_bearer_token,
    encode_body,
    encode_header_value,
    redact_secrets,
)
from keyturn.client.retry import CircuitBreaker
from keyturn.client.sender import ConcurrencyLimit, RequestTransport, RetryingSender
from keyturn.client.strict_json import ResponseFormatError
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.secret import Secret
from keyturn.model.service_url import ServiceUrl, ServiceUrlError, parse_service_url, quote_path_segment

CREDENTIALS = "credentials"
CONNECTIONS = "connections"

_JsonObject = Mapping[str, Any]
T = TypeVar("T")

_STATUS_ACCEPTED = 202
_TEST_PATH = "/api/connections/test"
_TEST_TIMEOUT = 90.0
"""Seconds to wait for a connection test, which logs in to a system far away."""


class ClientSettings(Struct, frozen=True, kw_only=True):
    """Where the service is and how to speak to it.

    ``source`` names where the key came from, for messages. ``organization`` is sent as
    X-Organization-ID if set. ``rate`` bounds requests a second, 0 for no bound. ``proxy`` is a URL,
    ``authority`` a PEM file of certificates to trust instead of the usual ones.
    """

    base_url: str
    api_key: Secret
    key_source: str = "the project's key source"
    organization: str = ""
    rate: float = 0
    proxy: str = ""
    ca_file: Path | None = None


class Client:
    """All requests to one workspace; used from any number of threads at once.

    Every method raises ``errors.ServiceError``, whose subclass tells what may have happened. A body
    is a mapping with ``Secret`` leaves in canonical form (``config``); it is written the way the
    deployment writes settings. Reads are repeated on their own. Writes are repeated where nothing
    was done, and with ``idempotent`` also where that is not known.
    """

    def __init__(self, transport: RequestTransport, clock: ClientClock, rate: float = 0) -> None:
        self._transport = transport
        self._sender = RetryingSender(transport, clock, rate)
        self._list_reader = ListReader(self._sender)
        self._config_encodings: dict[str, ConfigEncoding] = {}

    @classmethod
    def open(cls, settings: ClientSettings, clock: ClientClock) -> Self:
        """Return a client for the real service; raises Faulty (KT511, KT512) for unusable settings."""
        from keyturn.client import transport  # noqa: PLC0415 - httpx takes 0.1 s, which only those pay who ask

        url = _service_url(settings.base_url)
        headers = {"Authorization": encode_bearer_token(settings.api_key, settings.key_source)}
        if settings.organization:
            headers["X-Organization-ID"] = encode_header_value(settings.organization, "organization")
        line = transport.build_connection_factory(url, proxy=settings.proxy, authority=settings.ca_file)
        return cls(transport.HttpTransport(url, headers, clock, line), clock, settings.rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    @contextmanager
    def limited_concurrency(self, places: int, allowed: Callable[[], bool]) -> Iterator[None]:
        """Meanwhile have ``places`` requests under way at a time, and send a write only while ``allowed``.

        What is no longer allowed when its turn comes raises KeptBack, or what became of it before.
        """
        before = self._sender.concurrency_limit
        self._sender.concurrency_limit = ConcurrencyLimit(slots=BoundedSemaphore(places), may_write=allowed)
        try:
            yield
        finally:
            self._sender.concurrency_limit = before

    @property
    def request_stats(self) -> RequestStats:
        """Requests so far, by verb: list read create update retire restore purge test preflight."""
        return self._sender.request_stats

    @property
    def circuit_breaker(self) -> CircuitBreaker:
        """Operations that failed in a row; while it is ``open``, start nothing new."""
        return self._sender.circuit_breaker

    @property
    def unauthorized(self) -> bool:
        """Whether the key itself was refused (401): nothing that follows can succeed."""
        return self._sender.unauthorized

    @property
    def server_date(self) -> float | None:
        """The service's clock (Unix seconds) at its latest answer, None where it tells none."""
        return self._sender.server_date

    def config_encoding(self, collection: str) -> ConfigEncoding:
        """Return how the deployment writes settings in this collection, as far as was seen."""
        seen = self._config_encodings.get(collection)
        if (
            seen is None
            and collection == CONNECTIONS
            and _collection_path(CONNECTIONS) in self._list_reader.bare_array_paths
        ):
            return BACKEND_ENCODING
        return seen or DOCUMENTED_ENCODING

    def read_organization(self) -> Organization:
        """Return the organization that the key belongs to."""
        call, reply = self._send_preflight("/api/organization")
        return self._decode_response(call, reply, decode.decode_organization)

    def read_limits(self) -> Mapping[str, int]:
        """Return the limits of the plan, such as ``max_connections``."""
        call, reply = self._send_preflight("/api/features/limits")
        return self._decode_response(call, reply, decode.decode_limits)

    def list_connectors(self) -> tuple[_JsonObject, ...]:
        """Return the connectors: ``id``, ``name``, ``category``, ``description``."""
        call, reply = self._send_preflight("/api/connector-gallery")
        return self._decode_response(call, reply, lambda tree: decode_rows(tree, "connectors")[0])

    def list_records(self, collection: str) -> RecordList:
        """Return a whole collection, ``credentials`` or ``connections``."""
        return self._list_collection(collection)

    def list_credentials(self) -> RecordList:
        """Return all credentials that the key may see."""
        return self._list_collection(CREDENTIALS)

    def list_connections(self) -> RecordList:
        """Return all connections that the key may see; items have no ``config`` in most deployments."""
        return self._list_collection(CONNECTIONS)

    def list_pipelines(self) -> RecordList:
        """Return all pipelines, as a rule without nodes; what is not named in Record is in ``extra``."""
        return self._list_reader.read_list("/api/pipelines", partial=True)

    def list_schedules(self) -> RecordList:
        """Return all schedules; ``dialect.either(record.extra, "pipeline_id")`` reads either spelling."""
        return self._list_reader.read_list("/api/schedules", partial=True)

    def list_syncs(self) -> RecordList:
        """Return all reverse-ETL syncs; ``destination_id`` in ``extra`` is a connection's id."""
        return self._list_reader.read_list("/api/reverse-etl/syncs", partial=True)

    def read_pipeline(self, identity: str) -> ApiRecord:
        """Return one pipeline with its nodes, in ``extra``."""
        return self._read_by_id("pipelines", identity, partial=True)

    def read_record(self, collection: str, identity: str) -> ApiRecord:
        """Return one object; raises Absent where the key sees none. It may be ``deleted``."""
        found = self._read_by_id(collection, identity, partial=False)
        return self._remember_encoding(collection, found)

    def create_record(
        self, collection: str, body: _JsonObject, *, is_unapplied: Callable[[], bool] = lambda: False
    ) -> ApiRecord:
        """Create an object and return it.

        ``is_unapplied`` is called after an unknown outcome: the request is repeated only where it says that
        nothing was created. Raises Unsure also where the service says yes but not under which id.
        ``pending`` in the answer asks the caller to look again.
        """
        call = _build_request("POST", (collection,), "create", self._encode_for_collection(collection, body))

        def decode(reply: Response) -> ApiRecord:
            pending = reply.status == _STATUS_ACCEPTED
            return self._decode_response(
                call, reply, lambda tree: decode_record(decode_single(tree), partial=True, pending=pending)
            )

        made = self._sender.send_and_decode(call, decode, idempotent=False, is_unapplied=is_unapplied)
        name, kind = body.get("name"), body.get("type")
        made = replace(made, name=made.name or str(name or ""), type=made.type or str(kind or ""))
        return self._remember_encoding(collection, made)

    def update_record(
        self, collection: str, identity: str, body: _JsonObject, *, idempotent: bool = False
    ) -> ApiRecord | None:
        """Write to an object; returns it where the answer shows it, None where it says just yes."""
        whole = {"id": identity, **body} if self.config_encoding(collection) == BACKEND_ENCODING else body
        encoded = self._encode_for_collection(collection, whole)
        call = _build_request("PUT", (collection, identity), "update", encoded)

        def decode(reply: Response) -> ApiRecord | None:
            tree = parse_response(call, reply)
            try:
                shown = decode_record(
                    decode_single(tree), partial=True, pending=reply.status == _STATUS_ACCEPTED
                )
            except ResponseFormatError:
                return None
            if shown.id != identity:
                raise invalid_response(call, reply, "another object was answered")
            return shown

        return self._sender.send_and_decode(call, decode, idempotent=idempotent)

    def retire_record(self, collection: str, identity: str, *, idempotent: bool = False) -> None:
        """Delete an object: softly for credentials; a connection does not come back."""
        self._sender.send(_build_request("DELETE", (collection, identity), "retire"), idempotent=idempotent)

    def restore_credential(self, identity: str, *, idempotent: bool = False) -> None:
        """Bring a credential back from the trash."""
        call = _build_request("POST", (CREDENTIALS, identity, "restore"), "restore")
        self._sender.send(call, idempotent=idempotent)

    def purge_credential(self, identity: str, *, idempotent: bool = False) -> None:
        """Delete a credential for good."""
        call = _build_request("DELETE", (CREDENTIALS, identity, "permanent"), "purge")
        self._sender.send(call, idempotent=idempotent)

    def test_connection(self, body: _JsonObject, redact: SecretRedactor = NO_REDACTION) -> TestResponse:
        """Test a connection that need not be saved: ``type``, ``config``, ``credentialId``.

        ``hide`` is over secrets that the service holds and could repeat in its message; those in
        the body are hidden anyway.
        """
        encoded = self._encode_for_collection(CONNECTIONS, body)
        call = Request(
            method="POST",
            path=_TEST_PATH,
            path_template=_TEST_PATH,
            operation=TEST_OPERATION,
            body=encoded,
            timeout=_TEST_TIMEOUT,
        )
        reply = self._sender.send(call, idempotent=False)
        sent = collect_secrets(body)
        return decode.decode_test_response(
            parse_response(call, reply), lambda text: redact_secrets(redact.redact(text), sent)
        )

    def _send_preflight(self, path: str) -> tuple[Request, Response]:
        call = Request(method="GET", path=path, path_template=path, operation="preflight")
        return call, self._list_reader.send_list_request(
            call
        ) if not self._sender.has_succeeded else self._sender.send(call, idempotent=True)

    def _list_collection(self, collection: str) -> RecordList:
        listing = self._list_reader.read_list(_collection_path(collection))
        for item in listing.records:
            self._remember_encoding(collection, item)
        return listing

    def _read_by_id(self, collection: str, identity: str, *, partial: bool) -> ApiRecord:
        call = _build_request("GET", (collection, identity), "read")
        reply = self._sender.send(call, idempotent=True)
        found = self._decode_response(
            call, reply, lambda tree: decode_record(decode_single(tree), partial=partial)
        )
        if found.id != identity:
            raise invalid_response(call, reply, "another object was answered")
        return found

    def _encode_for_collection(self, collection: str, body: _JsonObject) -> bytes:
        return encode_body(encode_config(body, self.config_encoding(collection)))

    def _decode_response(self, request: Request, response: Response, decode: Callable[[object], T]) -> T:
        tree = parse_response(request, response)
        try:
            return decode(tree)
        except ResponseFormatError as puzzling:
            why = str(puzzling)
        raise invalid_response(request, response, why)

    def _remember_encoding(self, collection: str, found: ApiRecord) -> ApiRecord:
        if found.config is not None:
            self._config_encodings[collection] = found.config_encoding
        return found


def _service_url(base_url: str) -> ServiceUrl:
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
            hint="write https://HOST, with /v1 behind it where your deployment says so",
        )
    )


def _collection_path(collection: str) -> str:
    return f"/api/{collection}"


def _build_request(method: str, target: tuple[str, ...], verb: str, body: bytes | None = None) -> Request:
    collection, *rest = target
    path = template = _collection_path(collection)
    if rest:
        tail = "".join(f"/{part}" for part in rest[1:])
        path, template = f"{path}/{quote_path_segment(rest[0])}{tail}", f"{template}/{{id}}{tail}"
    return Request(method=method, path=path, path_template=template, operation=verb, body=body)
