"""The effect of each kind of fault on a client, over a socket."""

import json
import time

import httpx
import pytest

NEW = {"name": "new", "type": "password", "config": {"username": "u"}}


def _names(api):
    return [each["name"] for each in api.emulator.read_state()["credentials"]]


def _last(api):
    return api.emulator.list_requests()[-1]


@pytest.mark.parametrize(("kind", "kept"), [("status_before", []), ("status_after", ["new"])])
def test_a_status_in_place_of_the_answer(api, kind, kept):
    """An error response can come before or after the change, with any status and headers."""
    api.emulator.add_fault(kind, status=503, headers={"Retry-After": "7"})
    answer = api.post("/api/credentials", NEW)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json()["error"]["code"] == "internal_error"
    assert _names(api) == kept
    assert _last(api)["kept"] == bool(kept)


@pytest.mark.parametrize(("kind", "kept"), [("drop_before", []), ("drop_after", ["new"])])
def test_a_dropped_connection(api, kind, kept):
    """The connection can be reset without a response, before or after the change."""
    api.emulator.add_fault(kind)
    with pytest.raises(httpx.ReadError):
        api.post("/api/credentials", NEW)
    assert _names(api) == kept
    assert _last(api)["status"] == 0


def test_a_truncated_body(api):
    """The fault `truncate_after` sends less than the announced length."""
    api.emulator.add_fault("truncate_after")
    with pytest.raises(httpx.RemoteProtocolError):
        api.post("/api/credentials", NEW)
    assert _names(api) == ["new"]


def test_a_truncated_answer_without_a_body_breaks(start):
    """A response without a body is dropped by `truncate_after`."""
    api = start(delete_status=204)
    identifier = api.credential()
    api.emulator.add_fault("truncate_after", method="DELETE")
    with pytest.raises(httpx.ReadError):
        api.delete(f"/api/credentials/{identifier}")


@pytest.mark.parametrize("kind", ["invalid_after", "empty_after"])
def test_a_body_that_is_no_json(api, kind):
    """The status can be right and the body no JSON."""
    api.emulator.add_fault(kind)
    answer = api.post("/api/credentials", NEW)
    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert _names(api) == ["new"]


def test_any_body_may_be_answered(api):
    """The fault `body_after` sends any body, as a proxy can."""
    api.emulator.add_fault("body_after", body="<html>welcome</html>")
    assert api.post("/api/credentials", NEW).text == "<html>welcome</html>"
    assert _names(api) == ["new"]


def test_another_object_may_be_answered(api):
    """The fault `other_object` answers with another object."""
    identifier = api.credential()
    api.emulator.add_fault("other_object", method="GET")
    data = api.get(f"/api/credentials/{identifier}").json()["data"]
    assert (data["id"], data["name"]) == ("somebody_else", "somebody_else")


@pytest.mark.parametrize("collection", ["credentials", "connections"])
def test_a_write_may_be_ignored(api, collection):
    """The fault `ignore` answers one PUT with 200 and changes nothing."""
    identifier = api.credential() if collection == "credentials" else api.connection()
    api.emulator.add_fault("ignore", method="PUT")
    change = {"config": {"host": "new.example"}}
    assert api.put(f"/api/{collection}/{identifier}", change).status_code == 200
    assert api.emulator.read_state()[collection][0]["config"]["host"] == "db.example"
    api.put(f"/api/{collection}/{identifier}", change)
    assert api.emulator.read_state()[collection][0]["config"]["host"] == "new.example"


@pytest.mark.parametrize("waits", ["7", "Wed, 21 Oct 2026 07:28:00 GMT", "soon", "-3", ""])
def test_a_request_can_be_rate_limited(api, waits):
    """A 429 stores nothing and sends the Retry-After header of the fault."""
    api.emulator.add_fault("rate_limit", retry_after=waits)
    answer = api.post("/api/credentials", NEW)
    assert (answer.status_code, answer.headers.get("Retry-After", "")) == (429, waits)
    assert _names(api) == []


def test_an_answer_may_be_late(api):
    """The fault `latency` delays a request before its change."""
    api.emulator.add_fault("latency", seconds=0.05)
    begun = time.monotonic()
    assert api.post("/api/credentials", NEW).status_code == 201
    assert time.monotonic() - begun >= 0.05


@pytest.mark.parametrize(("kind", "kept"), [("hang", []), ("hang_after", ["new"])])
def test_a_response_can_be_missing(api, kind, kept):
    """The faults `hang` and `hang_after` send nothing until the client closes, before or after the change."""
    api.emulator.add_fault(kind)
    with pytest.raises(httpx.ReadTimeout):
        api.client.post("/api/credentials", json=NEW, timeout=httpx.Timeout(10, read=0.5))
    assert _names(api) == kept
    assert _last(api)["status"] == 0


@pytest.mark.parametrize(("kind", "status"), [("hang", 201), ("hang_after", 201)])
def test_a_hang_can_end(api, kind, status):
    """A fault `hang` with seconds is followed by the normal response."""
    api.emulator.add_fault(kind, seconds=0.03)
    assert api.post("/api/credentials", NEW).status_code == status


def test_a_body_can_be_slow(api):
    """A slow body arrives whole, piece by piece."""
    api.emulator.add_fault("slow_body", piece=40, seconds=0.002)
    with api.client.stream("POST", "/api/credentials", json=NEW) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 2
    assert json.loads(b"".join(pieces))["data"]["name"] == "new"


def test_a_kept_connection_may_close(api):
    """The fault `close_after` closes the connection after a complete response."""
    api.emulator.add_fault("close_after")
    with httpx.Client(base_url=api.emulator.base_url, trust_env=False) as client:
        client.headers.update(api.client.headers)
        answer = client.post("/api/credentials", json=NEW)
    assert answer.status_code == 201
    assert "connection" not in answer.headers


def test_an_edit_can_come_before(api):
    """A PUT sees an edit before it and keeps the values that it does not send."""
    identifier = api.credential()
    api.emulator.add_fault(
        "edit_before", method="PUT", edit={"change": {"name": "theirs", "config": {"port": 1}}}
    )
    data = api.put(f"/api/credentials/{identifier}", {"config": {"host": "ours"}}).json()["data"]
    assert data["name"] == "theirs"
    assert data["config"] == {"host": "ours", "username": "app", "port": 1}


def test_an_edit_can_come_inside(api):
    """An edit within a PUT is overwritten, because the PUT has read the object already."""
    identifier = api.credential()
    api.emulator.add_fault(
        "edit_inside", edit={"change": {"name": "theirs", "config": {"port": 1}}}, method="PUT"
    )
    api.put(f"/api/credentials/{identifier}", {"config": {"host": "ours"}})
    held = api.held("prod-db")
    assert held["config"] == {"host": "ours", "username": "app"}


@pytest.mark.parametrize("edit", [{}, {"id": ""}])
def test_an_edit_can_come_after(api, edit):
    """An edit after a PUT stays, and the response of the PUT does not show it."""
    identifier = api.connection()
    change = {"config": {"port": 1}}
    api.emulator.add_fault("edit_after", method="PUT", edit={**edit, "change": change})
    answer = api.put(f"/api/connections/{identifier}", {"config": {"host": "h", "port": 2}})
    assert answer.json()["config"]["port"] == 2
    assert api.held("prod-pg")["config"] == {"host": "h", "port": 1}


def test_an_edit_can_change_another_object(api):
    """The edit can change any object; an unknown object is ignored."""
    api.credential()
    other = api.credential(name="other")
    api.emulator.add_fault("edit_before", edit={"id": other, "change": {"config": {"host": "theirs"}}})
    api.emulator.add_fault("edit_after", edit={"id": "cred_nobody", "change": {}})
    assert api.get("/api/credentials").status_code == 200
    assert api.held("other")["config"]["host"] == "theirs"


def test_a_fault_can_meet_all_requests(api):
    """A fault can meet all requests from a number on."""
    api.emulator.add_fault("status_before", status=503, at=2, times=0)
    assert [api.get("/api/organization").status_code for _ in range(4)] == [200, 503, 503, 503]


def test_faults_meet_versioned_paths_too(api):
    """The path of a fault starts at `/api`, also for requests below `/v1/api`."""
    api.emulator.add_fault("status_before", path="/api/organization")
    assert api.get("/v1/api/organization").status_code == 500


@pytest.mark.parametrize(("kind", "status"), [("double_first", 201), ("double_second", 409)])
def test_a_request_that_arrives_twice(api, kind, status):
    """The client gets the first or the second response; unique names prevent a second object."""
    api.emulator.add_fault(kind, method="POST")
    assert api.post("/api/credentials", NEW).status_code == status
    assert _names(api) == ["new"]
