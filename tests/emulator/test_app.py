"""The application: prefixes, bodies, headers, errors."""

from email.utils import parsedate_to_datetime

import pytest


@pytest.mark.parametrize("prefix", ["/api", "/v1/api"])
def test_both_prefixes_lead_to_the_service(api, prefix):
    """Paths can start with `/api` or `/v1/api`."""
    assert api.get(f"{prefix}/organization").status_code == 200


@pytest.mark.parametrize("path", ["/v1", "/v1/credentials", "/v1/pipelines", "/v1/config"])
def test_the_bare_version_is_another_api(api, path):
    """Paths below `/v1` other than `/v1/api` belong to a catalog with its own error format."""
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": "No route for request",
        "type": "NoSuchEndpointException",
        "code": 404,
    }


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/api/nothing", 404), ("PATCH", "/api/credentials", 405)]
)
def test_unknown_paths_and_methods_have_the_envelope(api, method, path, status):
    """Unknown paths and methods have the normal error format and need a key."""
    answer = api.send(method, path)
    assert (answer.status_code, set(answer.json()["error"])) == (status, {"code", "message"})
    del api.client.headers["Authorization"]
    assert api.send(method, path).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff",
        b'{"name": NaN}',
        b"[" * 100_000,
        b"9" * 5000,
        b'{"name": "\\ud800", "type": "aws", "config": {}}',
        b'{"name": "a", "type": "aws", "config": {"region": "\\ud800"}}',
        b'{"name": "a", "type": "database", "config": {"password": "\\ud800"}}',
    ],
)
def test_bodies_that_are_no_objects_are_refused(api, body):
    """A body that is not a JSON object of valid text is 400."""
    for path in ("/api/credentials", "/api/connections", "/api/connections/test"):
        assert api.client.post(path, content=body).status_code == 400
    assert api.emulator.read_state()["credentials"] == []


def test_a_very_large_body_is_rejected(api):
    """A body of more than 8 MiB is not read."""
    assert api.client.post("/api/credentials", content=b" " * (8 * 1024 * 1024 + 1)).status_code == 413


def test_every_answer_has_date_and_request_id(api):
    """Each response has the time of the emulator's clock and the number of the request in its headers."""
    api.emulator.set_clock(hold=1_800_000_000)
    first, second = api.get("/api/organization"), api.get("/api/nothing")
    assert parsedate_to_datetime(first.headers["Date"]).timestamp() == 1_800_000_000
    assert first.headers.get_list("Date") == [first.headers["Date"]]
    assert [first.headers["X-Request-ID"], second.headers["X-Request-ID"]] == ["req_00000001", "req_00000002"]
    assert first.headers["Content-Type"] == "application/json"


def test_what_is_empty_has_no_type_or_length(start):
    """A 204 response has no body, no content type and no content length."""
    api = start(delete_status=204, update_status=204)
    identifier = api.credential()
    for answer in (
        api.put(f"/api/credentials/{identifier}", {}),
        api.delete(f"/api/credentials/{identifier}"),
    ):
        assert answer.status_code == 204
        assert not {"content-type", "content-length"} & set(answer.headers)


def test_a_bug_is_reported_without_values(api, canary, monkeypatch):
    """A bug is a 500 that names its location and no value."""
    secret = canary()

    def broken(*_, **__):
        raise RuntimeError(secret)

    monkeypatch.setattr(api.emulator.deployment, "require_free_name", broken)
    answer = api.post("/api/credentials", {"name": "a", "type": "password", "config": {"password": secret}})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "emulator_bug"
    assert "RuntimeError in test_app.broken" in answer.json()["error"]["message"]
    canary.record("answer", answer.text)


def test_latency_holds_every_request(start):
    """The setting `latency_ms` delays each request."""
    api = start(latency_ms=30)
    assert api.get("/api/organization").elapsed.total_seconds() >= 0.03


def test_secrets_are_in_no_file_and_no_log(start, tmp_path, canary, capfd):
    """The database holds no secret in clear, and nothing is printed about requests."""
    api = start(database=str(tmp_path / "emulator.db"))
    secret = canary()
    identifier = api.credential(config={"host": "db.example", "password": secret})
    api.connection(credentialId=identifier, config={"host": "h", "auth": {"token": secret}})
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()
    assert b"db.example" in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")
