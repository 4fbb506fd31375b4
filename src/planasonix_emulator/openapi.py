"""The OpenAPI document of the `docs` dialect."""

from typing import Any

PATHS = ("/api/openapi.json", "/api/v1/openapi.json")


def document() -> dict[str, Any]:
    """Return the document."""
    return {"openapi": "3.1.0", "info": {"title": "Planasonix (emulated)", "version": "1"}, "paths": {}}
