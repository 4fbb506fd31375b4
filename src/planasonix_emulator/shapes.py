"""JSON Schemas of what the `docs` dialect takes and gives, by name."""

from typing import Any

from planasonix_emulator.gallery import CONNECTORS
from planasonix_emulator.secrecy import CREDENTIAL_TYPES

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_TREE: Schema = {"type": "object"}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}
_SOME_TEXT: Schema = {"type": "string", "minLength": 1}
_CONNECTOR_TYPE: Schema = {"type": "string", "enum": list(CONNECTORS)}
_SELECT: Schema = {"type": "string", "pattern": r"^(select|SELECT)\s"}
_REFERENCE: Schema = {"type": ["string", "null"]}
_TYPE: Schema = {"type": "string", "enum": list(CREDENTIAL_TYPES)}


def ref(name: str) -> Schema:
    """Return a reference to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, /, **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _data(inner: Schema) -> Schema:
    return _object("data", data=inner)


_CURSOR = _object("limit cursor", limit=_COUNT, cursor={"type": ["string", "null"]})
_PAGED = _object("page", page=_CURSOR)
_TOTAL = _object("total", total=_COUNT)

_CREDENTIAL = _object(
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
_CONNECTION = _object(
    "id name type config",
    id=_TEXT,
    name=_TEXT,
    type=_TEXT,
    credentialId=_REFERENCE,
    config=_TREE,
    createdAt=_TIME,
    updatedAt=_TIME,
)
_SUMMARY = _object(
    "id name type credentialId createdAt updatedAt",
    id=_TEXT,
    name=_TEXT,
    type=_TEXT,
    credentialId=_REFERENCE,
    createdAt=_TIME,
    updatedAt=_TIME,
)
_COLUMN = _object("name type nullable", name=_TEXT, type=_TEXT, nullable=_FLAG)
_RESOURCE = _object("id type attributes", id=_TEXT, type=_TEXT, attributes=_TREE)
_CONNECTOR = _object("id name category description", id=_TEXT, name=_TEXT, category=_TEXT, description=_TEXT)
_ROWS = _list(_list({}))

SCHEMAS: dict[str, Schema] = {
    "Error": _object(
        "error",
        error=_object(
            "code message",
            code=_TEXT,
            message=_TEXT,
            details=_list(_object("field issue", field=_TEXT, issue=_TEXT)),
        ),
    ),
    "CredentialDraft": _object("name type config", name=_NAME, type=_TYPE, config=_TREE),
    "CredentialChange": _object("", name=_NAME, type=_TYPE, config=_TREE),
    "Credential": _data(_CREDENTIAL),
    "CredentialPage": _object("data meta", data=_list(_CREDENTIAL), meta=_PAGED),
    "CredentialGone": _data(_object("id status deleted_at", id=_TEXT, status=_TEXT, deleted_at=_MAYBE_TIME)),
    "CredentialPurged": _data(_object("id purged", id=_TEXT, purged={"const": True})),
    "ConnectionDraft": _object(
        "name type config", name=_NAME, type=_CONNECTOR_TYPE, config=_TREE, credentialId=_REFERENCE
    ),
    "ConnectionChange": _object("", name=_NAME, type=_CONNECTOR_TYPE, config=_TREE, credentialId=_REFERENCE),
    "Connection": _CONNECTION,
    "ConnectionList": _object("data meta", data=_list(_SUMMARY), meta=_TOTAL),
    "ConnectionGone": _object("ok id deletedAt", ok={"const": True}, id=_TEXT, deletedAt=_TIME),
    "ConnectionTest": _object("type config", type=_CONNECTOR_TYPE, config=_TREE, credentialId=_REFERENCE),
    "Verdict": _object(
        "ok latencyMs serverVersion message",
        ok=_FLAG,
        latencyMs=_COUNT,
        serverVersion={"type": ["string", "null"]},
        message=_TEXT,
    ),
    "Tables": _object(
        "connectionId schema tables",
        connectionId=_TEXT,
        schema=_TEXT,
        tables=_list(_object("name type", name=_TEXT, type={"enum": ["TABLE", "VIEW"]})),
    ),
    "Columns": _object("connectionId columns", connectionId=_TEXT, columns=_list(_COLUMN)),
    "Names": _object("connectionId", connectionId=_TEXT),
    "Preview": _object("columns rows truncated", columns=_list(_TEXT), rows=_ROWS, truncated=_FLAG),
    "Files": _object(
        "prefix objects commonPrefixes",
        prefix=_TEXT,
        objects=_list(_object("key size lastModified", key=_TEXT, size=_COUNT, lastModified=_TIME)),
        commonPrefixes=_list(_TEXT),
    ),
    "Query": _object("connectionId sql", connectionId=_SOME_TEXT, sql=_SELECT, limit=_COUNT),
    "QueryResult": _object("ok columns rows stats", ok=_FLAG, columns=_list(_TEXT), rows=_ROWS, stats=_TREE),
    "Discovery": _object("connectionId", connectionId=_SOME_TEXT, catalog=_TEXT),
    "Organization": _data(
        _object(
            "id name slug plan created_at", id=_TEXT, name=_TEXT, slug=_TEXT, plan=_TEXT, created_at=_TIME
        )
    ),
    "Limits": _data(
        _object(
            "max_pipelines max_connections max_concurrent_runs max_agent_count",
            max_pipelines=_COUNT,
            max_connections=_COUNT,
            max_concurrent_runs=_COUNT,
            max_agent_count=_COUNT,
        )
    ),
    "Facts": _data(_TREE),
    "Keys": _data(_list(_object("id name prefix scopes", id=_TEXT, name=_TEXT, prefix=_TEXT))),
    "Gallery": _object("connectors", connectors=_list(_CONNECTOR)),
    "PipelineList": _object("data meta", data=_list(_object("id name status", id=_TEXT)), meta=_TOTAL),
    "Pipeline": _object("id nodes edges", id=_TEXT, nodes=_list(_TREE), edges=_list(_TREE)),
    "Resource": _data(_RESOURCE),
    "ResourcePage": _object("data meta", data=_list(_RESOURCE), meta=_PAGED),
}
"""Every schema of the document, by the name under which operations refer to it."""
