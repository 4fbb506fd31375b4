"""The service as keyturn uses it: every request there is, in words of the domain."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from keyturn.api import results
from keyturn.api.admission import Admission, Exchange
from keyturn.api.attempts import Attempts
from keyturn.api.call import TEST, Call, Reply, Tempo
from keyturn.api.dialect import record, rows, single, spelled
from keyturn.api.judge import puzzled, tree_of
from keyturn.api.lists import Lists
from keyturn.api.records import (
    BACKEND,
    DOCUMENTED,
    Figures,
    Listing,
    Organization,
    Record,
    Spelling,
    TestResult,
)
from keyturn.api.retry import Breaker
from keyturn.api.strict import Puzzling
from keyturn.api.wire import UNVEILED, Veil, bearer, conceal, encode_body, header, secrets_of
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.secret import Secret
from keyturn.core.service_url import ServiceUrl, ServiceUrlError, parse_service_url, quote_path_segment

CREDENTIALS = "credentials"
CONNECTIONS = "connections"

Tree = Mapping[str, Any]
T = TypeVar("T")

_ACCEPTED = 202
_TEST = "/api/connections/test"
_PATIENCE = 90.0
"""Seconds to wait for a connection test, which logs in to a system far away."""


class Settings(Struct, frozen=True, kw_only=True):
    """Where the service is and how to speak to it.

    ``source`` names where the key came from, for messages. ``organization`` is sent as
    X-Organization-ID if set. ``rate`` bounds requests a second, 0 for no bound. ``proxy`` is a URL,
    ``authority`` a PEM file of certificates to trust instead of the usual ones.
    """

    base_url: str
    key: Secret
    source: str = "the project's key source"
    organization: str = ""
    rate: float = 0
    proxy: str = ""
    authority: Path | None = None


class Client:
    """All requests to one workspace; used from any number of threads at once.

    Every method raises ``errors.ServiceError``, whose subclass tells what may have happened. A body
    is a mapping with ``Secret`` leaves in canonical form (``config``); it is written the way the
    deployment writes settings. Reads are repeated on their own. Writes are repeated where nothing
    was done, and with ``idempotent`` also where that is not known.
    """

    def __init__(self, exchange: Exchange, tempo: Tempo, rate: float = 0) -> None:
        self._exchange = exchange
        self._attempts = Attempts(exchange, tempo, rate)
        self._lists = Lists(self._attempts)
        self._spellings: dict[str, Spelling] = {}

    @classmethod
    def open(cls, settings: Settings, tempo: Tempo) -> Self:
        """Return a client for the real service; raises Faulty (KT511, KT512) for unusable settings."""
        from keyturn.api import transport  # noqa: PLC0415 - httpx takes 0.1 s, which only those pay who ask

        url = _service_url(settings.base_url)
        headers = {"Authorization": bearer(settings.key, settings.source)}
        if settings.organization:
            headers["X-Organization-ID"] = header(settings.organization, "organization")
        line = transport.lines(url, proxy=settings.proxy, authority=settings.authority)
        return cls(transport.Transport(url, headers, tempo, line), tempo, settings.rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._exchange.close()

    @contextmanager
    def admitting(self, places: int, allowed: Callable[[], bool]) -> Iterator[None]:
        """Meanwhile have ``places`` requests under way at a time, and send a write only while ``allowed``.

        What is no longer allowed when its turn comes raises KeptBack, or what became of it before.
        """
        before = self._attempts.admission
        self._attempts.admission = Admission(places=BoundedSemaphore(places), allowed=allowed)
        try:
            yield
        finally:
            self._attempts.admission = before

    @property
    def figures(self) -> Figures:
        """Requests so far, by verb: list read create update retire restore purge test preflight."""
        return self._attempts.figures

    @property
    def breaker(self) -> Breaker:
        """Operations that failed in a row; while it is ``open``, start nothing new."""
        return self._attempts.breaker

    @property
    def denied(self) -> bool:
        """Whether the key itself was refused (401): nothing that follows can succeed."""
        return self._attempts.denied

    @property
    def server_date(self) -> float | None:
        """The service's clock (Unix seconds) at its latest answer, None where it tells none."""
        return self._attempts.server_date

    def spelling(self, collection: str) -> Spelling:
        """Return how the deployment writes settings in this collection, as far as was seen."""
        seen = self._spellings.get(collection)
        if seen is None and collection == CONNECTIONS and _path(CONNECTIONS) in self._lists.bare:
            return BACKEND
        return seen or DOCUMENTED

    def organization(self) -> Organization:
        """Return the organization that the key belongs to."""
        call, reply = self._preflight("/api/organization")
        return self._understood(call, reply, results.organization)

    def limits(self) -> Mapping[str, int]:
        """Return the limits of the plan, such as ``max_connections``."""
        call, reply = self._preflight("/api/features/limits")
        return self._understood(call, reply, results.limits)

    def gallery(self) -> tuple[Tree, ...]:
        """Return the connectors: ``id``, ``name``, ``category``, ``description``."""
        call, reply = self._preflight("/api/connector-gallery")
        return self._understood(call, reply, lambda tree: rows(tree, "connectors")[0])

    def records(self, collection: str) -> Listing:
        """Return a whole collection, ``credentials`` or ``connections``."""
        return self._listed(collection)

    def credentials(self) -> Listing:
        """Return all credentials that the key may see."""
        return self._listed(CREDENTIALS)

    def connections(self) -> Listing:
        """Return all connections that the key may see; items have no ``config`` in most deployments."""
        return self._listed(CONNECTIONS)

    def pipelines(self) -> Listing:
        """Return all pipelines, as a rule without nodes; what is not named in Record is in ``extra``."""
        return self._lists.read("/api/pipelines", partial=True)

    def schedules(self) -> Listing:
        """Return all schedules; ``dialect.either(record.extra, "pipeline_id")`` reads either spelling."""
        return self._lists.read("/api/schedules", partial=True)

    def syncs(self) -> Listing:
        """Return all reverse-ETL syncs; ``destination_id`` in ``extra`` is a connection's id."""
        return self._lists.read("/api/reverse-etl/syncs", partial=True)

    def pipeline(self, identity: str) -> Record:
        """Return one pipeline with its nodes, in ``extra``."""
        return self._fetched("pipelines", identity, partial=True)

    def fetch(self, collection: str, identity: str) -> Record:
        """Return one object; raises Absent where the key sees none. It may be ``deleted``."""
        found = self._fetched(collection, identity, partial=False)
        return self._remembered(collection, found)

    def create(
        self, collection: str, body: Tree, *, is_unapplied: Callable[[], bool] = lambda: False
    ) -> Record:
        """Create an object and return it.

        ``is_unapplied`` is called after an unknown outcome: the request is repeated only where it says that
        nothing was created. Raises Unsure also where the service says yes but not under which id.
        ``pending`` in the answer asks the caller to look again.
        """
        call = _call("POST", (collection,), "create", self._encoded(collection, body))

        def decode(reply: Reply) -> Record:
            pending = reply.status == _ACCEPTED
            return self._understood(
                call, reply, lambda tree: record(single(tree), partial=True, pending=pending)
            )

        made = self._attempts.send_and_decode(call, decode, idempotent=False, is_unapplied=is_unapplied)
        name, kind = body.get("name"), body.get("type")
        made = replace(made, name=made.name or str(name or ""), type=made.type or str(kind or ""))
        return self._remembered(collection, made)

    def update(
        self, collection: str, identity: str, body: Tree, *, idempotent: bool = False
    ) -> Record | None:
        """Write to an object; returns it where the answer shows it, None where it says just yes."""
        whole = {"id": identity, **body} if self.spelling(collection) == BACKEND else body
        encoded = self._encoded(collection, whole)
        call = _call("PUT", (collection, identity), "update", encoded)

        def decode(reply: Reply) -> Record | None:
            tree = tree_of(call, reply)
            try:
                shown = record(single(tree), partial=True, pending=reply.status == _ACCEPTED)
            except Puzzling:
                return None
            if shown.id != identity:
                raise puzzled(call, reply, "another object was answered")
            return shown

        return self._attempts.send_and_decode(call, decode, idempotent=idempotent)

    def retire(self, collection: str, identity: str, *, idempotent: bool = False) -> None:
        """Delete an object: softly for credentials; a connection does not come back."""
        self._attempts.send(_call("DELETE", (collection, identity), "retire"), idempotent=idempotent)

    def restore(self, identity: str, *, idempotent: bool = False) -> None:
        """Bring a credential back from the trash."""
        call = _call("POST", (CREDENTIALS, identity, "restore"), "restore")
        self._attempts.send(call, idempotent=idempotent)

    def purge(self, identity: str, *, idempotent: bool = False) -> None:
        """Delete a credential for good."""
        call = _call("DELETE", (CREDENTIALS, identity, "permanent"), "purge")
        self._attempts.send(call, idempotent=idempotent)

    def test(self, body: Tree, hide: Veil = UNVEILED) -> TestResult:
        """Test a connection that need not be saved: ``type``, ``config``, ``credentialId``.

        ``hide`` is over secrets that the service holds and could repeat in its message; those in
        the body are hidden anyway.
        """
        encoded = self._encoded(CONNECTIONS, body)
        call = Call(method="POST", path=_TEST, template=_TEST, verb=TEST, body=encoded, patience=_PATIENCE)
        reply = self._attempts.send(call, idempotent=False)
        sent = secrets_of(body)
        return results.result_of_test(tree_of(call, reply), lambda text: conceal(hide.over(text), sent))

    def _preflight(self, path: str) -> tuple[Call, Reply]:
        call = Call(method="GET", path=path, template=path, verb="preflight")
        return call, self._lists.ask(call) if not self._attempts.answered else self._attempts.send(
            call, idempotent=True
        )

    def _listed(self, collection: str) -> Listing:
        listing = self._lists.read(_path(collection))
        for item in listing.records:
            self._remembered(collection, item)
        return listing

    def _fetched(self, collection: str, identity: str, *, partial: bool) -> Record:
        call = _call("GET", (collection, identity), "read")
        reply = self._attempts.send(call, idempotent=True)
        found = self._understood(call, reply, lambda tree: record(single(tree), partial=partial))
        if found.id != identity:
            raise puzzled(call, reply, "another object was answered")
        return found

    def _encoded(self, collection: str, body: Tree) -> bytes:
        return encode_body(spelled(body, self.spelling(collection)))

    def _understood(self, call: Call, reply: Reply, decode: Callable[[object], T]) -> T:
        tree = tree_of(call, reply)
        try:
            return decode(tree)
        except Puzzling as puzzling:
            why = str(puzzling)
        raise puzzled(call, reply, why)

    def _remembered(self, collection: str, found: Record) -> Record:
        if found.config is not None:
            self._spellings[collection] = found.spelling
        return found


def _service_url(base_url: str) -> ServiceUrl:
    try:
        return parse_service_url(base_url)
    except ServiceUrlError as error:
        message = f"base_url is refused: {error}"
    raise Faulty(
        Diagnostic(
            code="KT511",
            severity=Severity.ERROR,
            message=message,
            origin=Origin("keyturn.yaml"),
            hint="write https://HOST, with /v1 behind it where your deployment says so",
        )
    )


def _path(collection: str) -> str:
    return f"/api/{collection}"


def _call(method: str, target: tuple[str, ...], verb: str, body: bytes | None = None) -> Call:
    collection, *rest = target
    path = template = _path(collection)
    if rest:
        tail = "".join(f"/{part}" for part in rest[1:])
        path, template = f"{path}/{quote_path_segment(rest[0])}{tail}", f"{template}/{{id}}{tail}"
    return Call(method=method, path=path, template=template, verb=verb, body=body)
