"""The OpenAPI document, against the service that publishes it."""

import pytest
from openapi_spec_validator import validate

from planasonix_emulator.openapi import PATHS, document
from planasonix_emulator.routes import ROUTES

WITHOUT = ("organization", "features", "tier", "user")


def test_the_document_is_valid_and_whole():
    """The document is valid OpenAPI and has every route, and no other."""
    validate(document())
    told = {(method.upper(), path) for path, each in document()["paths"].items() for method in each}
    assert told == {(route.method, route.path) for route in ROUTES}
    assert all(each["summary"] for path in document()["paths"].values() for each in path.values())


@pytest.mark.parametrize("path", [*PATHS, "/v1/api/openapi.json"])
def test_anyone_may_read_it(api, path):
    """The document is served without a key, in any dialect."""
    del api.client.headers["Authorization"]
    assert api.get(path).json() == document()
