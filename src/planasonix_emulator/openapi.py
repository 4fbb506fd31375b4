"""The OpenAPI document of the `docs` format, generated from the routes and these schemas."""

import re
from functools import cache
from typing import Any

from planasonix_emulator.routes.table import API_ROUTES, ApiRoute
from planasonix_emulator.storage.secrets import CREDENTIAL_TYPES
from planasonix_emulator.targets.connectors import CONNECTORS

DOCUMENT_PATHS = ("/api/openapi.json", "/api/v1/openapi.json")
"""The paths of the document; reading it needs no key."""

_Schema = dict[str, Any]

_TEXT: _Schema = {"type": "string"}
_TIME: _Schema = {"type": "string", "format": "date-time"}
_MAYBE_TIME: _Schema = {"type": ["string", "null"], "format": "date-time"}
_COUNT: _Schema = {"type": "integer", "minimum": 0}
_FLAG: _Schema = {"type": "boolean"}
_TREE: _Schema = {"type": "object"}
_NAME: _Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}
_SOME_TEXT: _Schema = {"type": "string", "minLength": 1}
_CONNECTOR_TYPE: _Schema = {"type": "string", "enum": list(CONNECTORS)}
_SELECT: _Schema = {"type": "string", "pattern": r"^(select|SELECT)\s"}
_REFERENCE: _Schema = {"type": ["string", "null"]}
_TYPE: _Schema = {"type": "string", "enum": list(CREDENTIAL_TYPES)}


def _reference_to(name: str) -> _Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object_schema(required: str, /, **properties: _Schema) -> _Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


def _array_schema(item: _Schema) -> _Schema:
    return {"type": "array", "items": item}


def _data_schema(inner: _Schema) -> _Schema:
    return _object_schema("data", data=inner)


_CURSOR = _object_schema("limit cursor", limit=_COUNT, cursor={"type": ["string", "null"]})
_PAGED = _object_schema("page", page=_CURSOR)
_TOTAL = _object_schema("total", total=_COUNT)

_CREDENTIAL = _object_schema(
    "id name type status created_at updated_at config",
    id=_TEXT,
    name=_TEXT,
    type=_TYPE,
    status=_TEXT,
    created_at=_TIME,
    updated_at=_TIME,
    created_by=_TEXT,
    deleted_at=_MAYBE_TIME,
    config=_TREE,
)
_CONNECTION = _object_schema(
    "id name type config",
    id=_TEXT,
    name=_TEXT,
    type=_TEXT,
    credentialId=_REFERENCE,
    config=_TREE,
    createdAt=_TIME,
    updatedAt=_TIME,
)
_SUMMARY = _object_schema(
    "id name type credentialId createdAt updatedAt",
    id=_TEXT,
    name=_TEXT,
    type=_TEXT,
    credentialId=_REFERENCE,
    createdAt=_TIME,
    updatedAt=_TIME,
)
_COLUMN = _object_schema("name type nullable", name=_TEXT, type=_TEXT, nullable=_FLAG)
_RESOURCE = _object_schema("id type attributes", id=_TEXT, type=_TEXT, attributes=_TREE)
_CONNECTOR = _object_schema(
    "id name category description", id=_TEXT, name=_TEXT, category=_TEXT, description=_TEXT
)
_ROWS = _array_schema(_array_schema({}))

_SCHEMAS: dict[str, _Schema] = {
    "Error": _object_schema(
        "error",
        error=_object_schema(
            "code message",
            code=_TEXT,
            message=_TEXT,
            details=_array_schema(_object_schema("field issue", field=_TEXT, issue=_TEXT)),
        ),
    ),
    "CredentialDraft": _object_schema("name type config", name=_NAME, type=_TYPE, config=_TREE),
    "CredentialChange": _object_schema("", name=_NAME, type=_TYPE, config=_TREE),
    "Credential": _data_schema(_CREDENTIAL),
    "CredentialPage": _object_schema("data meta", data=_array_schema(_CREDENTIAL), meta=_PAGED),
    "CredentialGone": _data_schema(
        _object_schema("id status deleted_at", id=_TEXT, status=_TEXT, deleted_at=_MAYBE_TIME)
    ),
    "CredentialPurged": _data_schema(_object_schema("id purged", id=_TEXT, purged={"const": True})),
    "ConnectionDraft": _object_schema(
        "name type config", name=_NAME, type=_CONNECTOR_TYPE, config=_TREE, credentialId=_REFERENCE
    ),
    "ConnectionChange": _object_schema(
        "", name=_NAME, type=_CONNECTOR_TYPE, config=_TREE, credentialId=_REFERENCE
    ),
    "Connection": _CONNECTION,
    "ConnectionList": _object_schema("data meta", data=_array_schema(_SUMMARY), meta=_TOTAL),
    "ConnectionGone": _object_schema("ok id deletedAt", ok={"const": True}, id=_TEXT, deletedAt=_TIME),
    "ConnectionTest": _object_schema(
        "type config", type=_CONNECTOR_TYPE, config=_TREE, credentialId=_REFERENCE
    ),
    "Verdict": _object_schema(
        "ok latencyMs serverVersion message",
        ok=_FLAG,
        latencyMs=_COUNT,
        serverVersion={"type": ["string", "null"]},
        message=_TEXT,
    ),
    "Tables": _object_schema(
        "connectionId schema tables",
        connectionId=_TEXT,
        schema=_TEXT,
        tables=_array_schema(_object_schema("name type", name=_TEXT, type={"enum": ["TABLE", "VIEW"]})),
    ),
    "Columns": _object_schema("connectionId columns", connectionId=_TEXT, columns=_array_schema(_COLUMN)),
    "Names": _object_schema("connectionId", connectionId=_TEXT),
    "Preview": _object_schema(
        "columns rows truncated", columns=_array_schema(_TEXT), rows=_ROWS, truncated=_FLAG
    ),
    "Files": _object_schema(
        "prefix objects commonPrefixes",
        prefix=_TEXT,
        objects=_array_schema(
            _object_schema("key size lastModified", key=_TEXT, size=_COUNT, lastModified=_TIME)
        ),
        commonPrefixes=_array_schema(_TEXT),
    ),
    "Query": _object_schema("connectionId sql", connectionId=_SOME_TEXT, sql=_SELECT, limit=_COUNT),
    "QueryResult": _object_schema(
        "ok columns rows stats", ok=_FLAG, columns=_array_schema(_TEXT), rows=_ROWS, stats=_TREE
    ),
    "Discovery": _object_schema("connectionId", connectionId=_SOME_TEXT, catalog=_TEXT),
    "Organization": _data_schema(
        _object_schema(
            "id name slug plan created_at", id=_TEXT, name=_TEXT, slug=_TEXT, plan=_TEXT, created_at=_TIME
        )
    ),
    "Limits": _data_schema(
        _object_schema(
            "max_pipelines max_connections max_concurrent_runs max_agent_count",
            max_pipelines=_COUNT,
            max_connections=_COUNT,
            max_concurrent_runs=_COUNT,
            max_agent_count=_COUNT,
        )
    ),
    "Facts": _data_schema(_TREE),
    "Keys": _data_schema(
        _array_schema(_object_schema("id name prefix scopes", id=_TEXT, name=_TEXT, prefix=_TEXT))
    ),
    "Gallery": _object_schema("connectors", connectors=_array_schema(_CONNECTOR)),
    "PipelineList": _object_schema(
        "data meta", data=_array_schema(_object_schema("id name status", id=_TEXT)), meta=_TOTAL
    ),
    "Pipeline": _object_schema(
        "id nodes edges", id=_TEXT, nodes=_array_schema(_TREE), edges=_array_schema(_TREE)
    ),
    "Resource": _data_schema(_RESOURCE),
    "ResourcePage": _object_schema("data meta", data=_array_schema(_RESOURCE), meta=_PAGED),
}

_ERROR_RESPONSES = {
    "400": "The request is not valid.",
    "401": "The API key is missing, wrong or revoked.",
    "403": "The scope, a resource policy or the IP allowlist forbids the request.",
    "404": "The object does not exist or the key cannot read it.",
    "409": "The name or the status of the object conflicts with the request.",
    "429": "Too many requests.",
}


@cache
def build_document() -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in API_ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _build_operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Planasonix (emulated)",
            "version": "1.0.0",
            "description": "The responses of the emulator in its default format.",
        },
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
        },
    }


def _build_operation(route: ApiRoute) -> dict[str, Any]:
    identifier = re.sub(r"\W+", "_", f"{route.method} {route.path}").strip("_").lower()
    operation: dict[str, Any] = {
        "operationId": identifier,
        "summary": (route.endpoint.__doc__ or "").partition("\n")[0],
        "parameters": [*_path_parameters(route.path), *map(_query_parameter, route.query.split())],
        "responses": {
            str(route.status): _json_response("Success.", route.response),
            **{status: _json_response(text, "Error") for status, text in _ERROR_RESPONSES.items()},
        },
    }
    if route.body:
        content = {"application/json": {"schema": _reference_to(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _json_response(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _reference_to(schema)}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameter(field: str) -> dict[str, Any]:
    name, _, kind = field.partition(":")
    required = name.endswith("!")
    schema = {"type": "integer", "minimum": 1} if kind else {"type": "string", "minLength": int(required)}
    parameter = {"name": name.rstrip("!"), "in": "query", "schema": schema}
    return {**parameter, "required": True} if required else parameter
