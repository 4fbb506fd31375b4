"""The routes that look into a connection; every target holds the same small sample."""

from http import HTTPStatus
from typing import Any

from planasonix_emulator.drafts import required
from planasonix_emulator.messages import Reply, Request, invalid
from planasonix_emulator.records import CONNECTIONS
from planasonix_emulator.world import World

_SCHEMA = "public"
_TABLES = ({"name": "orders", "type": "TABLE"}, {"name": "recent_orders", "type": "VIEW"})
_COLUMNS = (
    {"name": "id", "type": "bigint", "nullable": False},
    {"name": "placed_at", "type": "timestamptz", "nullable": True},
)
_ROWS = ([1, "2025-01-01T00:00:00Z"], [2, "2025-01-02T00:00:00Z"], [3, None])
_OBJECTS = (
    {"key": "landing/orders-1.csv", "size": 512, "lastModified": "2025-01-01T00:00:00Z"},
    {"key": "landing/orders-2.csv", "size": 640, "lastModified": "2025-01-02T00:00:00Z"},
)


def tables(world: World, request: Request) -> Reply:
    """Answer GET /api/connections/{id}/tables, and the form with connectionId in the query."""
    schema = request.query.get("schema", _SCHEMA)
    found = list(_TABLES) if schema == _SCHEMA else []
    return Reply(
        HTTPStatus.OK, {"connectionId": _connection(world, request), "schema": schema, "tables": found}
    )


def columns(world: World, request: Request) -> Reply:
    """Answer GET /api/connections/{id}/columns, and the form with connectionId in the query."""
    identifier = _connection(world, request)
    required(request.query, "table")
    schema, table = request.query.get("schema", _SCHEMA), request.query["table"]
    known = schema == _SCHEMA and table in {each["name"] for each in _TABLES}
    found = list(_COLUMNS) if known else []
    return Reply(
        HTTPStatus.OK, {"connectionId": identifier, "schema": schema, "table": table, "columns": found}
    )


def schemas(world: World, request: Request) -> Reply:
    """Answer GET /api/connections/{id}/schemas."""
    return Reply(HTTPStatus.OK, {"connectionId": _connection(world, request), "schemas": [_SCHEMA]})


def catalogs(world: World, request: Request) -> Reply:
    """Answer GET /api/connections/{id}/catalogs."""
    return Reply(HTTPStatus.OK, {"connectionId": _connection(world, request), "catalogs": ["main"]})


def preview(world: World, request: Request) -> Reply:
    """Answer GET /api/connections/{id}/preview."""
    _connection(world, request)
    limit = request.number("limit", 100)
    names = [each["name"] for each in _COLUMNS]
    tree = {"columns": names, "rows": list(_ROWS[:limit]), "truncated": limit < len(_ROWS)}
    return Reply(HTTPStatus.OK, tree)


def files(world: World, request: Request) -> Reply:
    """Answer GET /api/connections/{id}/files."""
    _connection(world, request)
    prefix = request.query.get("prefix", "")
    found: list[Any] = [each for each in _OBJECTS if str(each["key"]).startswith(prefix)]
    folders = ["landing/"] if request.query.get("delimiter") == "/" and not prefix else []
    return Reply(
        HTTPStatus.OK, {"prefix": prefix, "objects": [] if folders else found, "commonPrefixes": folders}
    )


def cloud_schema(world: World, request: Request) -> Reply:
    """Answer GET /api/connections/{id}/cloud-schema."""
    identifier = _connection(world, request)
    required(request.query, "path")
    return Reply(
        HTTPStatus.OK, {"connectionId": identifier, "path": request.query["path"], "columns": list(_COLUMNS)}
    )


def test_query(world: World, request: Request) -> Reply:
    """Answer POST /api/connections/test-query; only statements that read."""
    body = request.tree()
    required(body, "connectionId", "sql")
    _connection(world, request)
    if not isinstance(body["sql"], str) or body["sql"].split(None, 1)[:1] not in (["select"], ["SELECT"]):
        raise invalid(("sql", "not a SELECT"))
    names = [each["name"] for each in _COLUMNS]
    stats = {"rowsScanned": len(_ROWS), "executionMs": 3}
    return Reply(HTTPStatus.OK, {"ok": True, "columns": names, "rows": list(_ROWS), "stats": stats})


def databricks(world: World, request: Request) -> Reply:
    """Answer POST /api/connections/databricks/discover."""
    required(request.tree(), "connectionId")
    catalogs_found = [{"name": "main", "schemas": [_SCHEMA]}]
    return Reply(HTTPStatus.OK, {"connectionId": _connection(world, request), "catalogs": catalogs_found})


def _connection(world: World, request: Request) -> str:
    body = request.body if isinstance(request.body, dict) else {}
    named = request.params.get("id") or request.query.get("connectionId") or body.get("connectionId")
    if not isinstance(named, str) or not named:
        raise invalid(("connectionId", "missing"))
    return world.found(CONNECTIONS, request.organization, named).id
