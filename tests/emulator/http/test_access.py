"""API keys, scopes and the rate limit."""

from email.utils import parsedate_to_datetime

import pytest


def _with(api, headers):
    return api.client.get("/api/organization", headers=headers)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic abc", "Token abc"])
def test_a_valid_bearer_key_is_required(api, header):
    """A missing, malformed or unknown key is 401 with a challenge."""
    del api.client.headers["Authorization"]
    answer = _with(api, {"Authorization": header} if header is not None else {})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_scheme_is_read_in_any_case(api):
    """The scheme `bearer` is accepted in any case."""
    assert _with(api, {"Authorization": f"bearer {api.emulator.key}"}).status_code == 200


def test_a_revoked_key_is_refused(api):
    """A key works until it is revoked."""
    api.emulator.accept_key("second")
    assert _with(api, {"Authorization": "Bearer second"}).status_code == 200
    api.emulator.revoke_key("second")
    assert _with(api, {"Authorization": "Bearer second"}).status_code == 401
    api.emulator.change_settings(key_revoked=True)
    assert _with(api, {}).status_code == 401


def test_the_legacy_header_needs_its_switch(start):
    """The header X-Planasonix-Api-Key works only with the setting `legacy_key_header`."""
    for allowed, status in ((False, 401), (True, 200)):
        api = start(legacy_key_header=allowed)
        del api.client.headers["Authorization"]
        assert _with(api, {"X-Planasonix-Api-Key": api.emulator.key}).status_code == status


@pytest.mark.parametrize(("claimed", "status"), [("org_01HEMULATED", 200), ("org_other", 403)])
def test_the_organization_is_checked_where_it_is_sent(api, claimed, status):
    """X-Organization-ID must be the organization of the key."""
    assert _with(api, {"X-Organization-ID": claimed}).status_code == status


def test_another_network_is_forbidden(start):
    """A valid key from a network outside the allowlist gets 403."""
    answer = start(network_allowed=False).get("/api/credentials")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ip_not_allowed")


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("connections:read", "GET", "/api/credentials"),
        ("connections:write", "POST", "/api/credentials"),
        ("connections:write", "DELETE", "/api/connections/x"),
        ("connectors:read", "POST", "/api/connections/test"),
        ("pipelines:read", "GET", "/api/pipelines"),
        ("schedules:read", "GET", "/api/schedules"),
    ],
)
def test_each_route_asks_for_its_scope(api, scope, method, path):
    """A key without the scope of a route gets 403 with its name; a key with only that scope works."""
    everything = [
        "connections:read",
        "connections:write",
        "connectors:read",
        "pipelines:read",
        "schedules:read",
    ]
    api.emulator.accept_key("narrow", scopes=[each for each in everything if each != scope])
    api.emulator.accept_key("exact", scopes=[scope])
    api.client.headers["Authorization"] = "Bearer narrow"
    answer = api.send(method, path, {})
    assert answer.status_code == 403
    assert scope in answer.json()["error"]["message"]
    api.client.headers["Authorization"] = "Bearer exact"
    assert api.send(method, path, {}).status_code in (200, 400, 404)


def _exhausted(start, **options):
    api = start(rate_limit=2, rate_window_seconds=60, **options)
    api.emulator.set_clock(hold=1_800_000_000)
    return api, [api.get("/api/organization") for _ in range(3)]


def test_the_limit_holds_for_a_window(start):
    """Requests above the limit are rejected until the window ends."""
    api, answers = _exhausted(start)
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["X-RateLimit-Remaining"] for each in answers] == ["1", "0", "0"]
    assert answers[2].headers["X-RateLimit-Limit"] == "2"
    assert answers[2].headers["X-RateLimit-Reset"] == "1800000060"
    assert answers[2].headers["Retry-After"] == "60"
    assert api.post("/api/credentials", {"name": "a", "type": "aws", "config": {}}).status_code == 429
    api.emulator.set_clock(advance=60)
    assert api.get("/api/credentials").json()["data"] == []


def test_each_key_has_its_own_window(start):
    """Each key has its own rate limit."""
    api, _ = _exhausted(start)
    api.emulator.accept_key("second")
    assert api.client.get("/api/organization", headers={"Authorization": "Bearer second"}).status_code == 200


@pytest.mark.parametrize(
    ("form", "header"),
    [("none", None), ("zero", "0"), ("huge", "86400"), ("garbage", "soon"), ("negative", "-5")],
)
def test_forms_of_waiting(start, form, header):
    """The Retry-After header can be missing or invalid."""
    _, answers = _exhausted(start, retry_after=form, rate_headers=False)
    assert answers[2].headers.get("Retry-After") == header
    assert "X-RateLimit-Limit" not in answers[2].headers


def test_waiting_as_a_date(start):
    """The Retry-After header can be a date, not before the end of the window."""
    _, answers = _exhausted(start, retry_after="date")
    assert parsedate_to_datetime(answers[2].headers["Retry-After"]).timestamp() >= 1_800_000_060


def test_a_clock_that_went_back_begins_again(start):
    """A window that starts in the future is replaced."""
    api, _ = _exhausted(start)
    api.emulator.set_clock(advance=-86_400)
    assert api.get("/api/organization").status_code == 200
