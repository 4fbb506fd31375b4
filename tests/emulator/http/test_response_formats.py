"""The response formats."""

import pytest

CREDENTIAL = {"name": "prod-db", "type": "database", "config": {"host": "db.example", "port": 5432}}


@pytest.fixture
def backend(start):
    """An emulator with the format of the Go client."""
    return start(dialect="backend")


@pytest.fixture
def jsonapi(start):
    """An emulator with the format of the introduction."""
    return start(dialect="jsonapi")


def _params(**more):
    return {
        "name": "prod-pg",
        "type": "postgres",
        "category": "source",
        "params": {"host": "h", "port": "5432"},
    } | more


def test_backend_shows_params_of_strings(backend):
    """A connection is flat, with its category and string parameters."""
    made = backend.post("/api/connections", _params()).json()
    assert made == _params(id=made["id"], credentialId=None)
    assert backend.get(f"/api/connections/{made['id']}").json() == made


def test_backend_lists_a_bare_array(backend):
    """A list of connections is an array without settings."""
    backend.post("/api/connections", _params())
    (listed,) = backend.get("/api/connections").json()
    assert set(listed) == {"id", "name", "type", "category", "credentialId"}


@pytest.mark.parametrize(
    "change",
    [{"category": "both"}, {"params": {"port": 5432}}, {"params": None}, {"name": None}, {"config": {}}],
)
def test_backend_refuses_in_a_string(backend, change):
    """An invalid connection is rejected with an error that is a string."""
    body = {name: value for name, value in _params(**change).items() if value is not None}
    if "config" in change:
        del body["params"]
    answer = backend.post("/api/connections", body)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_backend_wants_the_whole_object_in_a_put(backend):
    """An incomplete PUT is rejected; a complete PUT replaces the parameters."""
    identifier = backend.post("/api/connections", _params()).json()["id"]
    assert backend.put(f"/api/connections/{identifier}", {"name": "x"}).status_code == 400
    answer = backend.put(
        f"/api/connections/{identifier}", _params(params={"host": "new"}, category="destination")
    )
    assert answer.json()["params"] == {"host": "new"}
    assert answer.json()["category"] == "destination"


@pytest.mark.parametrize(("link", "kept", "shown"), [("echo", 1, 1), ("accept", 1, 0), ("ignore", 0, 0)])
def test_backend_may_know_nothing_of_credentials(start, link, kept, shown):
    """The setting `backend_link` selects whether the credential id is shown, only stored, or ignored."""
    backend = start(dialect="backend", backend_link=link)
    credential = backend.credential()
    made = backend.post("/api/connections", _params(credentialId=credential)).json()
    assert ("credentialId" in made) == bool(shown)
    assert (backend.held("prod-pg")["credentialId"] == credential) == bool(kept)


def test_backend_may_show_times(start):
    """The Go client's format shows times only with the setting `backend_timestamps`."""
    backend = start(dialect="backend", backend_timestamps=True)
    assert {"createdAt", "updatedAt"} <= set(backend.post("/api/connections", _params()).json())


def test_backend_tests_say_success(backend):
    """A connection test takes params, and answers success and message."""
    answer = backend.post("/api/connections/test", {"type": "s3", "params": {"bucket": "b"}})
    assert answer.json() == {"success": True, "message": "Connection successful"}
    assert backend.post("/api/connections/test", {"type": "s3", "config": {}}).status_code == 400


def test_backend_deletes_with_success(backend):
    """The deletion of a connection returns success; pipelines are an array with both connections."""
    identifier = backend.post("/api/connections", _params()).json()["id"]
    assert backend.delete(f"/api/connections/{identifier}").json() == {"success": True}
    backend.emulator.seed_objects(pipelines=[{"id": "pl_1", "name": "p", "sourceConnectionId": "conn_1"}])
    (pipeline,) = backend.get("/api/pipelines").json()
    assert pipeline["sourceConnectionId"] == "conn_1"


def test_backend_leaves_credentials_as_they_are(backend):
    """The Go client has no other format for credentials."""
    identifier = backend.credential()
    assert backend.get(f"/api/credentials/{identifier}").json()["data"]["id"] == identifier


def test_jsonapi_wraps_credentials(jsonapi):
    """A credential is a resource whose own type is among its attributes."""
    data = jsonapi.post("/api/credentials", CREDENTIAL).json()["data"]
    assert data["type"] == "credentials"
    assert data["attributes"].items() >= CREDENTIAL.items()
    listed = jsonapi.get("/api/credentials").json()
    assert listed["data"][0]["attributes"]["name"] == "prod-db"
    assert listed["meta"]["page"]["cursor"] is None


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("spelling", ["credential_id", "credentialId"])
def test_jsonapi_takes_both_spellings_wrapped_or_not(jsonapi, wrapped, spelling):
    """A body can have an envelope, and its credential id can be in snake_case or camelCase."""
    credential = jsonapi.post("/api/credentials", CREDENTIAL).json()["data"]["id"]
    body = {
        "name": "prod-pg",
        "type": "postgres",
        "config": {"host": "h", "sslMode": "require"},
        spelling: credential,
    }
    sent = {"data": {"type": "connections", "attributes": body}} if wrapped else body
    attributes = jsonapi.post("/api/connections", sent).json()["data"]["attributes"]
    assert attributes["credential_id"] == credential
    assert attributes["config"] == body["config"]


def test_jsonapi_pages_connections(start):
    """The list of connections has pages."""
    jsonapi = start(dialect="jsonapi", page_size=2)
    for number in range(3):
        jsonapi.post("/api/connections", {"name": f"c{number}", "type": "s3", "config": {"bucket": "b"}})
    first = jsonapi.get("/api/connections").json()
    second = jsonapi.get("/api/connections", cursor=first["meta"]["page"]["cursor"]).json()
    names = [each["attributes"]["name"] for each in first["data"] + second["data"]]
    assert names == ["c0", "c1", "c2"]
    assert second["meta"]["page"]["cursor"] is None


def test_jsonapi_wraps_the_rest(jsonapi):
    """Tests, deletions and pipelines are resources, too; errors are objects."""
    identifier = jsonapi.post(
        "/api/connections", {"name": "c", "type": "s3", "config": {"bucket": "b"}}
    ).json()["data"]["id"]
    verdict = jsonapi.post("/api/connections/test", {"type": "s3", "config": {"bucket": "b"}}).json()["data"]
    assert verdict["attributes"] == {
        "ok": True,
        "latency_ms": 12,
        "server_version": None,
        "message": "Connection successful",
    }
    jsonapi.emulator.seed_objects(
        pipelines=[{"id": "pl_1", "name": "p", "nodes": [{"config": {"connectionId": "x"}}]}]
    )
    assert jsonapi.get("/api/pipelines").json()["data"][0]["attributes"]["name"] == "p"
    assert jsonapi.get("/api/pipelines/pl_1").json()["data"]["attributes"]["nodes"]
    gone = jsonapi.delete(f"/api/connections/{identifier}").json()["data"]
    assert (gone["id"], set(gone["attributes"])) == (identifier, {"deleted_at"})
    assert jsonapi.get("/api/connections/nobody").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("dialect", ["docs", "backend", "jsonapi"])
def test_extra_fields_are_in_every_shape(start, dialect):
    """The setting `extra_fields` adds fields in each format, in lists and in single objects."""
    api = start(dialect=dialect, extra_fields=True)
    made = api.post("/api/connections", {**_params(), "config": {"host": "h"}})
    assert "x_revision" in made.text
    assert "x_revision" in api.get("/api/connections").text
    api.post("/api/credentials", CREDENTIAL)
    assert "x_revision" in api.get("/api/credentials").text
