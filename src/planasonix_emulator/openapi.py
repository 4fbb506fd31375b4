"""The OpenAPI document of the `docs` dialect, one operation a route."""

import re
from functools import cache
from typing import Any

from planasonix_emulator.routes import ROUTES, Route
from planasonix_emulator.shapes import SCHEMAS, ref

PATHS = ("/api/openapi.json", "/api/v1/openapi.json")
"""Where the document is served, to anyone."""

Operation = tuple[str, str, str]

_OPERATIONS: dict[str, Operation] = {
    "GET /api/credentials": ("limit:integer cursor", "", "CredentialPage"),
    "POST /api/credentials": ("", "CredentialDraft", "Credential"),
    "GET /api/credentials/{id}": ("", "", "Credential"),
    "PUT /api/credentials/{id}": ("", "CredentialChange", "Credential"),
    "DELETE /api/credentials/{id}": ("", "", "CredentialGone"),
    "POST /api/credentials/{id}/restore": ("", "", "CredentialGone"),
    "DELETE /api/credentials/{id}/permanent": ("", "", "CredentialPurged"),
    "GET /api/connections": ("type search", "", "ConnectionList"),
    "POST /api/connections": ("", "ConnectionDraft", "Connection"),
    "POST /api/connections/test": ("", "ConnectionTest", "Verdict"),
    "GET /api/connections/{id}": ("", "", "Connection"),
    "PUT /api/connections/{id}": ("", "ConnectionChange", "Connection"),
    "DELETE /api/connections/{id}": ("", "", "ConnectionGone"),
    "GET /api/connections/tables": ("connectionId! schema", "", "Tables"),
    "GET /api/connections/columns": ("connectionId! table! schema", "", "Columns"),
    "POST /api/connections/test-query": ("", "Query", "QueryResult"),
    "POST /api/connections/databricks/discover": ("", "Discovery", "Names"),
    "GET /api/connections/{id}/tables": ("schema", "", "Tables"),
    "GET /api/connections/{id}/columns": ("table! schema", "", "Columns"),
    "GET /api/connections/{id}/schemas": ("", "", "Names"),
    "GET /api/connections/{id}/catalogs": ("", "", "Names"),
    "GET /api/connections/{id}/preview": ("schema table limit:integer", "", "Preview"),
    "GET /api/connections/{id}/files": ("prefix delimiter", "", "Files"),
    "GET /api/connections/{id}/cloud-schema": ("path!", "", "Columns"),
    "GET /api/organization": ("", "", "Organization"),
    "GET /api/features": ("", "", "Facts"),
    "GET /api/features/limits": ("", "", "Limits"),
    "GET /api/tier": ("", "", "Facts"),
    "GET /api/user/profile": ("", "", "Facts"),
    "GET /api/user/api-keys": ("", "", "Keys"),
    "GET /api/connector-gallery": ("", "", "Gallery"),
    "GET /api/pipelines": ("projectId folderId search status", "", "PipelineList"),
    "GET /api/pipelines/{id}": ("", "", "Pipeline"),
    "GET /api/schedules": ("pipeline_id enabled limit:integer cursor", "", "ResourcePage"),
    "GET /api/schedules/{id}": ("", "", "Resource"),
    "GET /api/reverse-etl/syncs": ("destination_id limit:integer cursor", "", "ResourcePage"),
    "GET /api/reverse-etl/syncs/{id}": ("", "", "Resource"),
    "GET /api/reverse-etl/destinations": ("limit:integer cursor", "", "ResourcePage"),
}
"""By route: query fields (`!` required, `:integer` typed), the schema of the body, that of the answer."""

_CREATING = frozenset({"POST /api/credentials", "POST /api/connections"})
_REFUSALS = {
    "400": "The request is not valid.",
    "401": "The API key is missing, wrong or revoked.",
    "403": "The scope, a resource policy or the IP allowlist forbids it.",
    "404": "There is no such object for this key.",
    "409": "The object's name or state stands against it.",
    "429": "Too many requests.",
}


@cache
def document() -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Planasonix (emulated)",
            "version": "1.0.0",
            "description": "What the emulator answers in its default dialect.",
        },
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    name = f"{route.method} {route.path}"
    fields, body, answer = _OPERATIONS[name]
    summary = (route.answer.__doc__ or "").partition("\n")[0]
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", name).strip("_").lower(),
        "summary": summary,
        "parameters": [*_path_parameters(route.path), *map(_query_parameter, fields.split())],
        "responses": {
            "201" if name in _CREATING else "200": _answer("Done.", answer),
            **{status: _answer(said, "Error") for status, said in _REFUSALS.items()},
        },
    }
    if body:
        content = {"application/json": {"schema": ref(body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ref(schema)}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameter(field: str) -> dict[str, Any]:
    name, _, kind = field.partition(":")
    needed = name.endswith("!")
    schema = {"type": "integer", "minimum": 1} if kind else {"type": "string", "minLength": int(needed)}
    parameter = {"name": name.rstrip("!"), "in": "query", "schema": schema}
    return {**parameter, "required": True} if needed else parameter
