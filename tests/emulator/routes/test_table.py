"""The route table, through the application."""

import pytest

from planasonix_emulator.routes.table import API_ROUTES


@pytest.mark.parametrize("route", API_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_each_route_has_its_path_method_and_scope(api, route):
    """A request for the method and path of a route finds the route and needs its scope."""
    path = route.path.replace("{id}", "x_1")
    response = api.send(route.method, path)
    assert response.status_code != 405
    assert "There is no such path." not in response.text
    api.emulator.accept_key("without-scopes", scopes=[])
    api.client.headers["Authorization"] = "Bearer without-scopes"
    response = api.send(route.method, path)
    assert (response.status_code == 403) == bool(route.scope)
    assert route.scope in response.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/credentials//restore", 404),
        ("GET", "/api/credentials/x/y", 404),
        ("PATCH", "/api/credentials/x", 405),
        ("GET", "/api/credentials/x/restore", 405),
        ("GET", "/api/connections/test", 405),
    ],
)
def test_other_paths_and_methods(api, method, path, status):
    """An unknown path is 404; an unknown method is 405 and names the allowed ones."""
    response = api.send(method, path)
    assert response.status_code == status
    assert response.json()["error"]["code"] == {404: "not_found", 405: "method_not_allowed"}[status]
    assert (status == 405) == ("Allow" in response.headers)


def test_a_slash_at_the_end_changes_nothing(api):
    """A path with a slash at its end leads to the same endpoint, without a redirect."""
    assert api.get("/api/credentials/").json()["data"] == []
