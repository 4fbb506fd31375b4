"""All operations of the client, with scripted responses and with the emulator in each dialect."""

import json
import random
import time
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_clock import FakeClock
from keyturn.client.client import CONNECTIONS, CREDENTIALS, Client, ClientSettings
from keyturn.client.decode import read_either_case
from keyturn.client.errors import (
    Conflict,
    InvalidResponse,
    NotFound,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    ServiceError,
    Throttled,
    Unauthorized,
    UnusableIdError,
)
from keyturn.client.messages import ClientClock
from keyturn.client.records import BACKEND_ENCODING, DOCUMENTED_ENCODING
from keyturn.client.transport import HttpTransport
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.model.service_url import parse_service_url
from planasonix_emulator.server import Emulator

REAL = ClientClock(
    monotonic=time.monotonic, now=time.time, sleep=lambda _: None, random_fraction=random.random
)
FLAT = {"id": "conn_1", "name": "prod-db", "type": "postgres"}


@pytest.fixture
def talk(client_of):
    """Return a maker: from responses to a client that receives them and the list of its requests."""

    def making(*answers):
        sent = []

        def handler(request):
            body = json.loads(request.content) if request.content else None
            sent.append((request.method, request.url.raw_path.decode(), body))
            answer = answers[min(len(sent), len(answers)) - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return client_of(handler), sent

    return making


def reply(status=200, tree=None):
    """Return a response."""
    return httpx.Response(status) if tree is None else httpx.Response(status, json=tree)


def test_opening_validates_the_settings():
    """An invalid address or key is an error before any request."""
    for settings, code in [
        (ClientSettings(base_url="http://api.example.com", api_key=Secret("k")), "KT511"),
        (ClientSettings(base_url="https://api.example.com", api_key=Secret("k k"), key_source="K"), "KT512"),
        (
            ClientSettings(base_url="https://api.example.com", api_key=Secret("k"), organization="a b"),
            "KT511",
        ),
    ]:
        with pytest.raises(DiagnosticError) as caught:
            Client.open(settings, REAL)
        assert caught.value.diagnostics[0].code == code


def test_method_path_and_body_of_every_operation(talk):
    """The ID is one segment of the path."""
    client, sent = talk(reply(200, {**FLAT, "id": "a_b-1"}))
    client.read_record(CONNECTIONS, "a_b-1")
    client.update_record(CONNECTIONS, "a_b-1", {"name": "y"})
    client.retire_record(CREDENTIALS, "a_b-1")
    client.restore_credential("a_b-1")
    client.purge_credential("a_b-1")
    client.create_record(CREDENTIALS, {"name": "x", "type": "password", "config": {"password": Secret("pw")}})
    client.test_connection({"type": "postgres", "config": {"host": "h"}, "credentialId": "c"})
    client.read_pipeline("a_b-1")
    assert sent == [
        ("GET", "/api/connections/a_b-1", None),
        ("PUT", "/api/connections/a_b-1", {"name": "y"}),
        ("DELETE", "/api/credentials/a_b-1", None),
        ("POST", "/api/credentials/a_b-1/restore", None),
        ("DELETE", "/api/credentials/a_b-1/permanent", None),
        ("POST", "/api/credentials", {"name": "x", "type": "password", "config": {"password": "pw"}}),
        ("POST", "/api/connections/test", {"type": "postgres", "config": {"host": "h"}, "credentialId": "c"}),
        ("GET", "/api/pipelines/a_b-1", None),
    ]
    verbs = ["read", "update", "retire", "restore", "purge", "create", "test"]
    assert client.request_stats.by_operation == {**dict.fromkeys(verbs, 1), "read": 2}


@pytest.mark.parametrize(
    "identity", ["", "..", "x/permanent", "x?force=true", "x%2fy", "x y", "\u200bx", "x" * 201], ids=ascii
)
@pytest.mark.parametrize(
    "send",
    [
        lambda client, identity: client.read_record(CONNECTIONS, identity),
        lambda client, identity: client.update_record(CONNECTIONS, identity, {"name": "y"}),
        lambda client, identity: client.retire_record(CREDENTIALS, identity),
        lambda client, identity: client.restore_credential(identity),
        lambda client, identity: client.purge_credential(identity),
        lambda client, identity: client.read_pipeline(identity),
    ],
    ids=["read", "update", "retire", "restore", "purge", "pipeline"],
)
def test_no_request_is_sent_for_another_id(talk, send, identity):
    """It could lead to another path; the write is certainly not applied."""
    client, sent = talk()
    with pytest.raises(UnusableIdError) as caught:
        send(client, identity)
    assert sent == []
    assert not caught.value.may_be_applied
    assert caught.value.to_diagnostic().code == "KT522"


@pytest.mark.parametrize(
    ("status", "tree", "pending"),
    [
        (201, {"data": FLAT}, False),
        (200, FLAT, False),
        (202, {"id": "conn_1"}, True),
        (201, {"data": {"id": "conn_1"}}, False),
    ],
)
def test_created_records(talk, status, tree, pending):
    """A response with only the ID is completed from the request; 202 is pending."""
    client, _ = talk(reply(status, tree))
    made = client.create_record(CONNECTIONS, {"name": "prod-db", "type": "postgres", "config": {}})
    assert (made.id, made.name, made.type, made.pending) == ("conn_1", "prod-db", "postgres", pending)


@pytest.mark.parametrize(
    "answer",
    [
        reply(201),
        reply(202),
        reply(201, {"ok": True}),
        reply(201, []),
        reply(200, {"data": None}),
        httpx.Response(201, content=b"<html>"),
        httpx.Response(201, content=b'{"id":'),
        reply(500),
        reply(503),
        reply(408),
        reply(302),
        httpx.ReadTimeout("x"),
        httpx.RemoteProtocolError("x"),
        httpx.ReadError("x"),
        httpx.WriteError("x"),
    ],
)
def test_a_create_without_an_id_has_an_unknown_outcome(talk, answer):
    """It is not retried."""
    client, sent = talk(answer)
    with pytest.raises(OutcomeUnknown):
        client.create_record(CREDENTIALS, {"name": "x", "type": "password", "config": {}})
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (reply(200, FLAT), True),
        (reply(200, {"data": FLAT}), True),
        (reply(204), False),
        (reply(200, {"ok": True}), False),
        (reply(200, None), False),
        (reply(202, {"data": {"status": "queued"}}), False),
    ],
)
def test_updated_records(talk, answer, shown):
    """The object if the response has it, else None."""
    client, _ = talk(answer)
    found = client.update_record(CONNECTIONS, "conn_1", {"name": "x"})
    assert (found is not None) == shown


@pytest.mark.parametrize(
    "answer", [reply(200, {**FLAT, "id": "conn_2"}), httpx.Response(200, content=b"<html>"), reply(500)]
)
def test_an_update_with_an_unknown_outcome(talk, answer):
    """A response with another object or without JSON leaves the outcome unknown."""
    client, sent = talk(answer)
    with pytest.raises(OutcomeUnknown):
        client.update_record(CONNECTIONS, "conn_1", {"name": "x"})
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        (Client.update_record, (CONNECTIONS, "conn_1", {"name": "x"})),
        (Client.retire_record, (CONNECTIONS, "conn_1")),
        (Client.restore_credential, ("conn_1",)),
        (Client.purge_credential, ("conn_1",)),
    ],
    ids=["update", "retire", "restore", "purge"],
)
def test_an_unknown_outcome_is_retried_only_if_idempotent(talk, method, arguments):
    """Without ``idempotent``, one request is sent."""
    client, sent = talk(reply(502), reply(200, FLAT))
    with pytest.raises(OutcomeUnknown):
        method(client, *arguments)
    client, sent = talk(reply(502), reply(200, FLAT))
    method(client, *arguments, idempotent=True)
    assert len(sent) == 2


@pytest.mark.parametrize(
    "answer",
    [
        reply(204),
        reply(200, {"ok": True, "id": "x"}),
        reply(200, {"deleted": True}),
        reply(202),
        httpx.Response(200, content=b"bye"),
    ],
)
def test_any_2xx_response_to_a_delete_is_a_success(talk, answer):
    """The body of a response to DELETE is ignored."""
    client, sent = talk(answer)
    client.retire_record(CONNECTIONS, "conn_1")
    assert sent == [("DELETE", "/api/connections/conn_1", None)]


@pytest.mark.parametrize(
    "answer",
    [
        reply(200),
        reply(204),
        reply(200, {}),
        reply(200, [FLAT]),
        reply(200, {**FLAT, "id": "conn_2"}),
        reply(200, {"id": "conn_1"}),
        httpx.Response(200, content=b"<html>"),
    ],
)
def test_a_read_without_the_requested_object_is_invalid(talk, answer):
    """A read must return the object with the requested ID."""
    client, _ = talk(answer)
    with pytest.raises(InvalidResponse):
        client.read_record(CONNECTIONS, "conn_1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejected),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (409, Conflict),
        (429, Throttled),
    ],
)
def test_rejections(talk, status, kind):
    """Each status has its own class."""
    client, _ = talk(reply(status))
    with pytest.raises(kind) as caught:
        client.read_record(CONNECTIONS, "conn_1")
    assert type(caught.value) is kind


def test_settings_are_encoded_as_they_were_received(talk):
    """A deployment that returns `params` gets `params` as text, with the ID in the body."""
    shown = {**FLAT, "category": "source", "params": {"port": "5432"}}
    client, sent = talk(reply(200, shown))
    assert client.config_encoding(CONNECTIONS) == DOCUMENTED_ENCODING
    assert client.read_record(CONNECTIONS, "conn_1").extra == {"category": "source"}
    assert client.config_encoding(CONNECTIONS) == BACKEND_ENCODING
    assert client.config_encoding(CREDENTIALS) == DOCUMENTED_ENCODING
    client.update_record(CONNECTIONS, "conn_1", {"name": "x", "config": {"port": 5433, "on": True}})
    client.test_connection({"type": "postgres", "config": {"port": 5433}})
    client.create_record(CREDENTIALS, {"name": "x", "type": "password", "config": {"n": 1}})
    assert [body for _, _, body in sent[1:]] == [
        {"id": "conn_1", "name": "x", "params": {"port": "5433", "on": "true"}},
        {"type": "postgres", "params": {"port": "5433"}},
        {"name": "x", "type": "password", "config": {"n": 1}},
    ]


def test_a_bare_list_of_connections_reveals_the_encoding(talk):
    """Even an empty bare array comes from the backend."""
    client, _ = talk(reply(200, []))
    client.list_connections()
    assert client.config_encoding(CONNECTIONS) == BACKEND_ENCODING
    client, _ = talk(reply(200, {"data": []}))
    client.list_connections()
    assert client.config_encoding(CONNECTIONS) == DOCUMENTED_ENCODING


@pytest.mark.parametrize(
    ("answer", "ok"),
    [
        (reply(200, {"ok": True, "message": "fine"}), True),
        (reply(200, {"success": False}), False),
        (reply(400, {"ok": False, "message": "login failed"}), False),
        (reply(200, {}), None),
        (reply(204), None),
    ],
)
def test_connection_tests(talk, answer, ok):
    """Passed, failed and unknown; a failure may have status 4xx."""
    client, sent = talk(answer)
    assert client.test_connection({"type": "postgres", "config": {}}).ok is ok
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [(reply(500), 4), (reply(400), 1), (reply(404), 1), (httpx.ReadTimeout("x"), 4)],
)
def test_a_connection_test_that_did_not_run(talk, answer, attempts):
    """An error is not a result; a test without a usable response is sent again."""
    client, sent = talk(*[answer] * attempts)
    with pytest.raises(ServiceError):
        client.test_connection({"type": "postgres", "config": {}})
    assert len(sent) == attempts


def test_the_message_of_a_test_is_rebuilt(talk, canary):
    """Secrets are not shown, whether the body has them or not; known values are."""
    mine, stored = canary(), canary()
    client, _ = talk(reply(200, {"ok": False, "message": f"wrong: {mine} or {stored} at DB7.acme.example"}))
    body = {"type": "x", "config": {"password": Secret(mine)}}
    found = client.test_connection(body, {"db7.acme.example": "db7.acme.example"})
    assert found.message == "wrong: … or … at db7.acme.example"
    canary.record("the result", repr(found))


@pytest.mark.parametrize(
    "preflight",
    [Client.read_organization, Client.read_limits, Client.list_connectors],
    ids=["organization", "limits", "gallery"],
)
def test_no_api_at_this_address(talk, preflight):
    """Before any success 404 concerns the address, later it concerns the object."""
    client, _ = talk(reply(404), reply(404), reply(200, FLAT), reply(404))
    with pytest.raises(NotFound) as caught:
        preflight(client)
    assert caught.value.diagnostic_code == "KT516"
    with pytest.raises(NotFound):
        client.read_record(CONNECTIONS, "conn_1")
    client.read_record(CONNECTIONS, "conn_1")
    with pytest.raises(NotFound) as caught:
        preflight(client)
    assert caught.value.diagnostic_code == "KT504"


def test_preflight(talk):
    """Organization, limits and connectors."""
    client, sent = talk(
        reply(200, {"data": {"id": "org_1"}}),
        reply(200, {"data": {"max_connections": 5}}),
        reply(200, {"connectors": [{"id": "postgres", "name": "PostgreSQL", "category": "source"}]}),
    )
    assert client.read_organization().id == "org_1"
    assert client.read_limits() == {"max_connections": 5}
    assert [connector["id"] for connector in client.list_connectors()] == ["postgres"]
    assert [path for _, path, _ in sent] == [
        "/api/organization",
        "/api/features/limits",
        "/api/connector-gallery",
    ]
    assert client.request_stats.by_operation == {"preflight": 3}


def test_users_of_connections(talk):
    """Pipelines, schedules and syncs keep unknown fields in ``extra``."""
    client, sent = talk(
        reply(
            200,
            {
                "data": [{"id": "pl_1", "name": "p", "status": "active", "projectId": "prj"}],
                "meta": {"total": 1},
            },
        ),
        reply(200, {"data": [{"id": "sch_1", "type": "schedule", "attributes": {"pipeline_id": "pl_1"}}]}),
        reply(200, {"data": [{"id": "s", "type": "sync", "attributes": {"destination_id": "conn_1"}}]}),
        reply(200, {"id": "pl_1", "nodes": [{"id": "n", "config": {"connectionId": "conn_1"}}]}),
    )
    assert client.list_pipelines().records[0].extra["projectId"] == "prj"
    assert client.list_schedules().records[0].extra["pipeline_id"] == "pl_1"
    assert client.list_syncs().records[0].extra["destination_id"] == "conn_1"
    assert client.read_pipeline("pl_1").extra["nodes"][0]["config"] == {"connectionId": "conn_1"}
    assert [path.partition("?")[0] for _, path, _ in sent] == [
        "/api/pipelines",
        "/api/schedules",
        "/api/reverse-etl/syncs",
        "/api/pipelines/pl_1",
    ]


ECHOES = [
    lambda text, _: httpx.Response(200, content=text),
    lambda text, _: httpx.Response(201, json={"id": "conn_1", "updated_at": text, "updatedAt": "x"}),
    lambda text, _: httpx.Response(
        400, json={"error": {"code": text, "message": text, "details": [{"field": text}]}}
    ),
    lambda text, _: httpx.Response(400, json={"error": text}),
    lambda text, key: httpx.Response(
        401, headers={"X-Request-ID": key, "WWW-Authenticate": key}, content=text
    ),
    lambda text, _: httpx.Response(404, content=text),
    lambda text, _: httpx.Response(409, json={"error": {"code": "conflict", "type": text}}),
    lambda text, _: httpx.Response(429, headers={"Retry-After": "99999"}, content=text),
    lambda text, key: httpx.Response(500, headers={"X-Correlation-ID": key}, json={"error": {"code": text}}),
    lambda text, key: httpx.Response(302, headers={"Location": f"https://evil.example/?{key}"}, content=text),
    lambda text, key: httpx.ReadError(f"{text} {key}"),
    lambda text, key: httpx.ConnectError(f"{text} {key}"),
    lambda text, key: ValueError(f"{text} {key}"),
]


def operations(client, body):
    """Return all operations of a client."""
    return [
        client.read_organization,
        client.read_limits,
        client.list_connectors,
        client.list_credentials,
        client.list_connections,
        client.list_pipelines,
        client.list_schedules,
        client.list_syncs,
        lambda: client.read_pipeline("pl_1"),
        lambda: client.read_record(CONNECTIONS, "conn_1"),
        lambda: client.create_record(CREDENTIALS, body),
        lambda: client.update_record(CONNECTIONS, "conn_1", body),
        lambda: client.retire_record(CONNECTIONS, "conn_1"),
        lambda: client.restore_credential("conn_1"),
        lambda: client.purge_credential("conn_1"),
        lambda: client.test_connection(body),
    ]


def describe_result(operation):
    """Return the result of an operation, or the error with its attributes and causes."""
    try:
        return repr(operation())
    except ServiceError as error:
        attached = [error, error.__cause__, error.__context__]
        assert all(exception is None or isinstance(exception, ServiceError) for exception in attached)
        return repr(
            [
                (exception, str(exception), vars(exception), exception.to_diagnostic())
                for exception in attached
                if exception
            ]
        )


@pytest.mark.parametrize("echo", ECHOES, ids=[str(number) for number in range(len(ECHOES))])
@pytest.mark.parametrize("kind", ["ascii", "word", "unicode"])
def test_no_error_has_a_secret(canary, clock, kind, echo):
    """A service that echoes key and secrets gets none of them into an error."""
    key, secret = canary("ascii"), canary(kind)

    def handler(_):
        answer = echo(secret, key)
        if isinstance(answer, Exception):
            raise answer
        return answer

    headers = {"Authorization": f"Bearer {key}".encode()}
    client_clock = clock.client_clock()
    url = parse_service_url("https://api.example.com")
    client = Client(
        HttpTransport(url, headers, client_clock, lambda: httpx.MockTransport(handler)), client_clock
    )
    body = {"name": "x", "type": "password", "config": {"password": Secret(secret)}}
    for operation in operations(client, body):
        text = describe_result(operation)
        assert key not in text
        assert secret not in text


WORDS = (
    "data attributes meta page cursor limit total id name type status config params credentialId updated_at"
)
WORDS += " updatedAt error code details field issue ok success message latencyMs latency_ms serverVersion x"
KEYS = WORDS.split()
LEAVES = st.none() | st.booleans() | st.integers(-1, 600) | st.floats(0, 2) | st.sampled_from(["", "conn_1"])
JSON = st.recursive(
    LEAVES,
    lambda branch: st.lists(branch, max_size=3) | st.dictionaries(st.sampled_from(KEYS), branch, max_size=5),
    max_leaves=8,
)
OBJECTS = st.fixed_dictionaries(
    {"id": st.sampled_from(["conn_1", "a"]) | JSON, "name": st.just("n") | JSON},
    optional={key: JSON for key in (*KEYS, "attributes") if key not in {"id", "name"}},
)
METAS = st.fixed_dictionaries({}, optional=dict.fromkeys(("page", "cursor", "total"), JSON))
ANSWERS = (
    JSON | OBJECTS | st.fixed_dictionaries({"data": OBJECTS | st.lists(OBJECTS, max_size=3), "meta": METAS})
)


@given(tree=ANSWERS, status=st.sampled_from([200, 200, 200, 201, 202, 301, 400, 404, 409, 422, 500]))
def test_any_json_with_any_status(tree, status):
    """Every response is decoded or raises a ServiceError."""
    answer = json.dumps(tree).encode()

    def handler(_):
        return httpx.Response(status, content=answer)

    client_clock = FakeClock().client_clock()
    base = parse_service_url("https://api.example.com")
    client = Client(HttpTransport(base, {}, client_clock, lambda: httpx.MockTransport(handler)), client_clock)
    for operation in operations(
        client, {"name": "x", "type": "password", "config": {"password": Secret("pw")}}
    ):
        with suppress(ServiceError):
            operation()


# Against the emulator ------------------------------------------------------------------------------


@pytest.fixture(params=["docs", "backend", "jsonapi"])
def emulator(request):
    """Run the emulator in each of its dialects."""
    with Emulator.start(dialect=request.param) as running:
        yield running


def connected(emulator, **more):
    """Return a client of an emulator over HTTP."""
    return Client.open(ClientSettings(base_url=emulator.base_url, api_key=Secret(emulator.key), **more), REAL)


def test_the_lifecycle_of_a_credential_and_a_connection(emulator):
    """Create, read, list, update, test, retire, restore and purge in every dialect."""
    emulator.change_settings(unknown_target="ok")
    with connected(emulator) as client:
        assert client.read_organization().id == emulator.organization
        assert client.read_limits()["max_connections"] > 0
        assert client.list_credentials().records == client.list_connections().records == ()
        credential = client.create_record(
            CREDENTIALS,
            {
                "name": "prod-db",
                "type": "database",
                "config": {"host": "db.example.com", "username": "svc", "password": Secret("pw-0123456789")},
            },
        )
        assert credential.config["username"] == "svc"
        assert "password" not in credential.config
        body = {
            "name": "prod-pg",
            "type": "postgres",
            "config": {"host": "db.example.com", "port": 5432, "database": "app"},
            "credentialId": credential.id,
            "category": "source",
        }
        connection = client.create_record(CONNECTIONS, body)
        live = client.read_record(CONNECTIONS, connection.id)
        assert str(live.config["port"]) == "5432"
        assert live.credential_id in (credential.id, None)
        assert [record.id for record in client.list_connections().records] == [connection.id]
        renamed = {**body, "name": "prod-pg-2", "config": {**body["config"], "port": 5433}}
        client.update_record(CONNECTIONS, connection.id, renamed)
        live = client.read_record(CONNECTIONS, connection.id)
        assert (live.name, str(live.config["port"])) == ("prod-pg-2", "5433")
        client.update_record(CREDENTIALS, credential.id, {"name": "prod-db-2"})
        assert client.read_record(CREDENTIALS, credential.id).name == "prod-db-2"
        assert client.test_connection(
            {key: renamed[key] for key in ("type", "config", "credentialId", "category")}
        ).ok
        client.retire_record(CONNECTIONS, connection.id)
        with pytest.raises(NotFound):
            client.read_record(CONNECTIONS, connection.id)
        client.retire_record(CREDENTIALS, credential.id)
        assert client.read_record(CREDENTIALS, credential.id).is_deleted
        client.restore_credential(credential.id)
        assert not client.read_record(CREDENTIALS, credential.id).is_deleted
        client.retire_record(CREDENTIALS, credential.id)
        client.purge_credential(credential.id)
        with pytest.raises(NotFound):
            client.read_record(CREDENTIALS, credential.id)


def test_users_of_connections_in_every_dialect(emulator):
    """Pipelines, schedules, syncs and connectors are decoded."""
    made = emulator.seed_objects(connections=[{"name": "a", "type": "postgres", "config": {"host": "h"}}])
    (connection,) = made["connections"]
    nodes = [{"id": "n1", "type": "source.postgres", "config": {"connectionId": connection}}]
    emulator.seed_objects(
        pipelines=[{"id": "pl_1", "name": "p", "status": "active", "nodes": nodes, "edges": []}],
        schedules=[{"id": "sch_1", "pipeline_id": "pl_1", "enabled": True}],
        syncs=[{"id": "retl_sync_1", "name": "s", "destination_id": connection}],
    )
    with connected(emulator) as client:
        assert [record.name for record in client.list_connections().records] == ["a"]
        assert [record.id for record in client.list_pipelines().records] == ["pl_1"]
        assert connection in repr(client.read_pipeline("pl_1").extra["nodes"])
        assert [
            read_either_case(record.extra, "pipeline_id") for record in client.list_schedules().records
        ] == ["pl_1"]
        assert [
            read_either_case(record.extra, "destination_id") for record in client.list_syncs().records
        ] == [connection]
        assert "postgres" in {connector["id"] for connector in client.list_connectors()}


@pytest.mark.parametrize(
    "kind", ["drop_after", "truncate_after", "invalid_after", "status_after", "empty_after"]
)
def test_a_lost_response(emulator, kind):
    """The outcome is unknown, one request is sent, the object exists."""
    with connected(emulator) as client:
        emulator.add_fault(kind, method="POST")
        with pytest.raises(OutcomeUnknown):
            client.create_record(
                CREDENTIALS, {"name": "x", "type": "password", "config": {"password": Secret("pw-012345")}}
            )
        assert [record.name for record in client.list_credentials().records] == ["x"]
        posts = [request for request in emulator.list_requests() if request["method"] == "POST"]
        assert len(posts) == 1


@pytest.mark.parametrize(
    "kind", ["drop_before", "drop_after", "truncate_after", "status_before", "rate_limit"]
)
def test_a_read_is_retried(emulator, kind):
    """Any failure of a read is retried."""
    emulator.seed_objects(credentials=[{"name": "x", "type": "password", "config": {"username": "u"}}])
    with connected(emulator) as client:
        emulator.add_fault(kind, method="GET", retry_after="0")
        assert [record.name for record in client.list_credentials().records] == ["x"]
        assert client.request_stats.retries == 1


def test_the_key_and_the_organization(emulator):
    """A revoked key, a network that is not allowed, a stopped service."""
    with connected(emulator, organization=emulator.organization) as client:
        assert client.read_organization().id == emulator.organization
        emulator.change_settings(network_allowed=False)
        with pytest.raises(Unauthorized) as caught:
            client.list_credentials()
        assert caught.value.status == 403
        emulator.change_settings(network_allowed=True, key_revoked=True)
        with pytest.raises(Unauthorized) as caught:
            client.list_credentials()
        assert caught.value.status == 401
        emulator.stop()
        with pytest.raises(NotSent):
            client.list_credentials()


def test_small_pages(emulator):
    """All pages of two objects are read."""
    emulator.change_settings(page_size=2, page_limit=2)
    names = [f"c{number}" for number in range(7)]
    emulator.seed_objects(
        credentials=[{"name": name, "type": "password", "config": {"username": "u"}} for name in names]
    )
    with connected(emulator) as client:
        assert sorted(record.name for record in client.list_credentials().records) == names
        assert client.request_stats.by_operation == {"list": 4}


@pytest.mark.parametrize("mode", ["mask", "leak", "null", "omit"])
def test_secrets_in_responses(emulator, canary, mode):
    """No record has a masked or leaked secret, and leaks are reported."""
    secret = canary()
    emulator.change_settings(reply_secrets=mode)
    with connected(emulator) as client:
        made = client.create_record(
            CREDENTIALS,
            {"name": "x", "type": "password", "config": {"username": "u", "password": Secret(secret)}},
        )
        found = client.read_record(CREDENTIALS, made.id)
        assert found.config.get("password") is None
        assert found.leaked_fields == ((("config", "password"),) if mode == "leak" else ())
        assert dict(found.hidden) == {
            "mask": {("config", "password"): False},
            "leak": {("config", "password"): True},
        }.get(mode, {})
        canary.record("the records", repr((made, found)))
