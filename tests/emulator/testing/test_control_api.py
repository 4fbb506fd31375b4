"""The control API."""

import httpx
import pytest

from planasonix_emulator.settings import EmulatorSettings, settings_to_json
from planasonix_emulator.testing.control_client import CONTROL_TOKEN_HEADER


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_its_token_it_is_not_there(api, token):
    """The control API answers 404 without its token, also with an API key."""
    headers = {CONTROL_TOKEN_HEADER: token} if token is not None else {}
    assert api.client.get("/_emulator/state", headers=headers).status_code == 404


def test_it_takes_no_numbers_and_meets_no_faults(api):
    """Control requests are not in the request log and meet no faults."""
    api.emulator.add_fault("drop_before", times=0)
    api.emulator.change_settings(page_size=3)
    assert api.emulator.list_requests() == []
    with pytest.raises(httpx.ReadError):
        api.get("/api/organization")
    assert len(api.emulator.list_requests()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", b"", 404),
        ("DELETE", "state", b"", 404),
        ("PATCH", "settings", b'{"dialect": "soap"}', 400),
        ("PATCH", "settings", b"{", 400),
        ("PATCH", "settings", b"[]", 400),
        ("PUT", "targets", b"7", 400),
        ("POST", "faults", b'[{"kind": "x"}]', 400),
        ("POST", "seed", b'{"credentials": [{}]}', 400),
        ("POST", "clock", b'{"advance": "x"}', 400),
        ("POST", "keys", b"{}", 400),
        ("POST", "requests", b'{"since": "x"}', 400),
    ],
)
def test_invalid_requests_are_rejected(api, method, path, body, status):
    """An invalid control request is rejected and does not stop the emulator."""
    answer = api.client.request(
        method, f"/_emulator/{path}", content=body, headers={CONTROL_TOKEN_HEADER: api.emulator.token}
    )
    assert answer.status_code == status


def test_state_shows_everything_but_secrets(api, canary):
    """The state contains all objects, also deleted ones, and documents with any settings, and no secret."""
    api.emulator.change_settings(reply_secrets="leak", list_lag_seconds=100)
    identifier = api.credential(config={"host": "h", "password": canary()})
    api.delete(f"/api/credentials/{identifier}")
    api.connection()
    api.emulator.seed_objects(
        pipelines=[{"id": "pl_1"}], schedules=[{"id": "sch_1"}], syncs=[{"id": "retl_sync_1"}]
    )
    state = api.emulator.read_state()
    assert [each["status"] for each in state["credentials"]] == ["deleted"]
    assert [len(state[name]) for name in ("connections", "pipelines", "schedules", "syncs")] == [1, 1, 1, 1]
    canary.record("state", state)


def test_reset_deletes_everything(api):
    """A reset deletes objects, log and faults and resumes the clock; settings are reset on request."""
    api.credential()
    api.emulator.set_clock(hold=1_800_000_000)
    api.emulator.change_settings(page_size=7)
    api.emulator.add_fault("hang")
    api.emulator.reset()
    assert api.emulator.read_state()["credentials"] == []
    assert api.emulator.list_requests() == api.emulator.list_faults() == []
    assert api.emulator.set_clock() != 1_800_000_000
    assert api.emulator.read_settings()["page_size"] == 7
    api.emulator.reset(settings=True)
    assert api.emulator.read_settings() == settings_to_json(EmulatorSettings())
    assert api.get("/api/organization").headers["X-Request-ID"] == "req_00000001"


def test_the_log_has_each_request(api):
    """A log entry has number, method, path, status, and whether a change was stored."""
    api.credential()
    api.get("/api/credentials")
    api.post("/api/credentials", {})
    lines = [
        (each["method"], each["path"], each["status"], each["kept"]) for each in api.emulator.list_requests()
    ]
    assert lines == [
        ("POST", "/api/credentials", 201, True),
        ("GET", "/api/credentials", 200, False),
        ("POST", "/api/credentials", 400, False),
    ]
    assert len(api.emulator.list_requests(since=2)) == 1


def test_the_clock_can_be_set(api):
    """The control API holds, advances and resumes the clock."""
    assert api.emulator.set_clock(hold=1_800_000_000) == 1_800_000_000
    assert api.emulator.set_clock(advance=2.5) == 1_800_000_002.5
    assert api.emulator.set_clock(run=True) != 1_800_000_002.5
    held = api.emulator.set_clock(hold=True)
    assert api.emulator.set_clock() == held
