"""Which route answers which method and path."""

import pytest

from planasonix_emulator.messages import Problem
from planasonix_emulator.routes import ROUTES, routed


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_found(route):
    """A path that fits a route leads to it, with its parameters by name."""
    found, params = routed(route.method, route.path.replace("{id}", "x_1"))
    assert found is route
    assert dict(params) == ({"id": "x_1"} if "{id}" in route.path else {})


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
def test_other_paths_and_methods(method, path, status):
    """A path that nobody has is 404, a method that a path does not take is 405 and told which it takes."""
    with pytest.raises(Problem) as caught:
        routed(method, path)
    assert caught.value.status == status
    assert (status == 405) == ("Allow" in dict(caught.value.headers))
