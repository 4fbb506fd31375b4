"""Who may do what."""

import pytest


def _with(api, headers):
    return api.client.get("/api/organization", headers=headers)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic abc", "Token abc"])
def test_without_a_valid_bearer_key_nothing_is_told(api, header):
    """A missing, malformed or unknown key is 401 with a challenge."""
    del api.client.headers["Authorization"]
    answer = _with(api, {"Authorization": header} if header is not None else {})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_scheme_is_read_in_any_case(api):
    """`bearer` is as good as `Bearer`."""
    assert _with(api, {"Authorization": f"bearer {api.emulator.key}"}).status_code == 200


def test_a_revoked_key_is_refused(api):
    """A key works until it is revoked."""
    api.emulator.admit("second")
    assert _with(api, {"Authorization": "Bearer second"}).status_code == 200
    api.emulator.revoke("second")
    assert _with(api, {"Authorization": "Bearer second"}).status_code == 401
    api.emulator.set(key_revoked=True)
    assert _with(api, {}).status_code == 401


def test_the_legacy_header_needs_its_switch(start):
    """X-Planasonix-Api-Key is a way in only where it is switched on."""
    for allowed, status in ((False, 401), (True, 200)):
        api = start(legacy_key_header=allowed)
        del api.client.headers["Authorization"]
        assert _with(api, {"X-Planasonix-Api-Key": api.emulator.key}).status_code == status


@pytest.mark.parametrize(("claimed", "status"), [("org_01HEMULATED", 200), ("org_other", 403)])
def test_the_organization_is_checked_where_it_is_sent(api, claimed, status):
    """X-Organization-ID must be the key's own."""
    assert _with(api, {"X-Organization-ID": claimed}).status_code == status


def test_a_foreign_network_is_forbidden(start):
    """Outside the IP allowlist a valid key gets 403."""
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
    """A key with every scope but one is forbidden, and told which; with it alone it gets on."""
    everything = [
        "connections:read",
        "connections:write",
        "connectors:read",
        "pipelines:read",
        "schedules:read",
    ]
    api.emulator.admit("narrow", scopes=[each for each in everything if each != scope])
    api.emulator.admit("exact", scopes=[scope])
    api.client.headers["Authorization"] = "Bearer narrow"
    answer = api.send(method, path, {})
    assert answer.status_code == 403
    assert scope in answer.json()["error"]["message"]
    api.client.headers["Authorization"] = "Bearer exact"
    assert api.send(method, path, {}).status_code in (200, 400, 404)
