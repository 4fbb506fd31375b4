"""What each kind of fault does to a request, seen from the client."""

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
    """An error may come before or after the work, with any status and headers."""
    api.emulator.add_fault(kind, status=503, headers={"Retry-After": "7"})
    answer = api.post("/api/credentials", NEW)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json()["error"]["code"] == "internal_error"
    assert _names(api) == kept
    assert _last(api)["kept"] == bool(kept)


@pytest.mark.parametrize(("kind", "kept"), [("drop_before", []), ("drop_after", ["new"])])
def test_a_dropped_connection(api, kind, kept):
    """The connection may break without a byte of an answer, before or after the work."""
    api.emulator.add_fault(kind)
    with pytest.raises(httpx.ReadError):
        api.post("/api/credentials", NEW)
    assert _names(api) == kept
    assert _last(api)["status"] == 0


def test_a_truncated_body(api):
    """The body may end in the middle, against its promised length."""
    api.emulator.add_fault("truncate_after")
    with pytest.raises(httpx.RemoteProtocolError):
        api.post("/api/credentials", NEW)
    assert _names(api) == ["new"]


def test_a_truncated_answer_without_a_body_breaks(start):
    """Where there is no body to cut, the connection breaks."""
    api = start(delete_status=204)
    identifier = api.credential()
    api.emulator.add_fault("truncate_after", method="DELETE")
    with pytest.raises(httpx.ReadError):
        api.delete(f"/api/credentials/{identifier}")


@pytest.mark.parametrize("kind", ["invalid_after", "empty_after"])
def test_a_body_that_is_no_json(api, kind):
    """The status may be right and the body worthless."""
    api.emulator.add_fault(kind)
    answer = api.post("/api/credentials", NEW)
    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert _names(api) == ["new"]


def test_any_body_may_be_answered(api):
    """The body may be anything at all, as from something that stands between."""
    api.emulator.add_fault("body_after", body="<html>welcome</html>")
    assert api.post("/api/credentials", NEW).text == "<html>welcome</html>"
    assert _names(api) == ["new"]


def test_another_object_may_be_answered(api):
    """The answer may speak of something else than was asked for."""
    identifier = api.credential()
    api.emulator.add_fault("other_object", method="GET")
    data = api.get(f"/api/credentials/{identifier}").json()["data"]
    assert (data["id"], data["name"]) == ("somebody_else", "somebody_else")


@pytest.mark.parametrize("collection", ["credentials", "connections"])
def test_a_write_may_be_ignored(api, collection):
    """A PUT may be answered with 200 and change nothing, once."""
    identifier = api.credential() if collection == "credentials" else api.connection()
    api.emulator.add_fault("ignore", method="PUT")
    change = {"config": {"host": "new.example"}}
    assert api.put(f"/api/{collection}/{identifier}", change).status_code == 200
    assert api.emulator.read_state()[collection][0]["config"]["host"] == "db.example"
    api.put(f"/api/{collection}/{identifier}", change)
    assert api.emulator.read_state()[collection][0]["config"]["host"] == "new.example"


@pytest.mark.parametrize("waits", ["7", "Wed, 21 Oct 2026 07:28:00 GMT", "soon", "-3", ""])
def test_a_request_may_be_turned_away(api, waits):
    """A 429 keeps nothing, and says of waiting exactly what the fault says."""
    api.emulator.add_fault("rate_limit", retry_after=waits)
    answer = api.post("/api/credentials", NEW)
    assert (answer.status_code, answer.headers.get("Retry-After", "")) == (429, waits)
    assert _names(api) == []


def test_an_answer_may_be_late(api):
    """Latency holds a request back, before its work."""
    api.emulator.add_fault("latency", seconds=0.05)
    begun = time.monotonic()
    assert api.post("/api/credentials", NEW).status_code == 201
    assert time.monotonic() - begun >= 0.05


@pytest.mark.parametrize(("kind", "kept"), [("hang", []), ("hang_after", ["new"])])
def test_an_answer_may_never_come(api, kind, kept):
    """The service may fall silent, before or after the work, until the client leaves."""
    api.emulator.add_fault(kind)
    with pytest.raises(httpx.ReadTimeout):
        api.client.post("/api/credentials", json=NEW, timeout=httpx.Timeout(10, read=0.5))
    assert _names(api) == kept
    assert _last(api)["status"] == 0


@pytest.mark.parametrize(("kind", "status"), [("hang", 201), ("hang_after", 201)])
def test_silence_may_end(api, kind, status):
    """Silence for some seconds is followed by the ordinary answer."""
    api.emulator.add_fault(kind, seconds=0.03)
    assert api.post("/api/credentials", NEW).status_code == status


def test_a_body_may_come_drop_by_drop(api):
    """A slow body arrives whole, piece by piece."""
    api.emulator.add_fault("slow_body", piece=40, seconds=0.002)
    with api.client.stream("POST", "/api/credentials", json=NEW) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 2
    assert json.loads(b"".join(pieces))["data"]["name"] == "new"


def test_a_kept_connection_may_close(api):
    """After a whole answer the connection may close without a word."""
    api.emulator.add_fault("close_after")
    with httpx.Client(base_url=api.emulator.base_url, trust_env=False) as client:
        client.headers.update(api.client.headers)
        answer = client.post("/api/credentials", json=NEW)
    assert answer.status_code == 201
    assert "connection" not in answer.headers


def test_somebody_may_edit_before(api):
    """An edit just before a PUT is seen by it, and outlived by what it does not write."""
    identifier = api.credential()
    api.emulator.add_fault(
        "edit_before", method="PUT", edit={"change": {"name": "theirs", "config": {"port": 1}}}
    )
    data = api.put(f"/api/credentials/{identifier}", {"config": {"host": "ours"}}).json()["data"]
    assert data["name"] == "theirs"
    assert data["config"] == {"host": "ours", "username": "app", "port": 1}


def test_somebody_may_edit_inside(api):
    """An edit in the middle of a PUT is lost: the PUT began from what was there before."""
    identifier = api.credential()
    api.emulator.add_fault(
        "edit_inside", edit={"change": {"name": "theirs", "config": {"port": 1}}}, method="PUT"
    )
    api.put(f"/api/credentials/{identifier}", {"config": {"host": "ours"}})
    held = api.held("prod-db")
    assert held["config"] == {"host": "ours", "username": "app"}


@pytest.mark.parametrize("edit", [{}, {"id": ""}])
def test_somebody_may_edit_after(api, edit):
    """An edit right after a PUT stands, and the PUT's answer does not know of it."""
    identifier = api.connection()
    change = {"config": {"port": 1}}
    api.emulator.add_fault("edit_after", method="PUT", edit={**edit, "change": change})
    answer = api.put(f"/api/connections/{identifier}", {"config": {"host": "h", "port": 2}})
    assert answer.json()["config"]["port"] == 2
    assert api.held("prod-pg")["config"] == {"host": "h", "port": 1}


def test_somebody_may_edit_something_else(api):
    """The edit may be of any object, and one that is not there harms nobody."""
    api.credential()
    other = api.credential(name="other")
    api.emulator.add_fault("edit_before", edit={"id": other, "change": {"config": {"host": "theirs"}}})
    api.emulator.add_fault("edit_after", edit={"id": "cred_nobody", "change": {}})
    assert api.get("/api/credentials").status_code == 200
    assert api.held("other")["config"]["host"] == "theirs"


def test_a_storm_goes_on(api):
    """A fault may strike every request from some number on."""
    api.emulator.add_fault("status_before", status=503, at=2, times=0)
    assert [api.get("/api/organization").status_code for _ in range(4)] == [200, 503, 503, 503]


def test_faults_meet_versioned_paths_too(api):
    """The path of a fault begins at `/api`, however the request was written."""
    api.emulator.add_fault("status_before", path="/api/organization")
    assert api.get("/v1/api/organization").status_code == 500
