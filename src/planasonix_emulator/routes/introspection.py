"""The endpoints that read data through a connection; every target has the same sample data."""

from http import HTTPStatus
from typing import Any

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.messages import ApiRequest, ApiResponse, invalid_request
from planasonix_emulator.routes.request_validation import require_fields
from planasonix_emulator.storage.records import CONNECTIONS

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


def list_tables(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the tables of a schema."""
    schema = request.query.get("schema", _SCHEMA)
    found = list(_TABLES) if schema == _SCHEMA else []
    return ApiResponse(
        HTTPStatus.OK,
        {"connectionId": _find_connection_id(deployment, request), "schema": schema, "tables": found},
    )


def list_columns(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the columns of a table."""
    identifier = _find_connection_id(deployment, request)
    require_fields(request.query, "table")
    schema, table = request.query.get("schema", _SCHEMA), request.query["table"]
    known = schema == _SCHEMA and table in {each["name"] for each in _TABLES}
    found = list(_COLUMNS) if known else []
    return ApiResponse(
        HTTPStatus.OK, {"connectionId": identifier, "schema": schema, "table": table, "columns": found}
    )


def list_schemas(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the schemas."""
    return ApiResponse(
        HTTPStatus.OK, {"connectionId": _find_connection_id(deployment, request), "schemas": [_SCHEMA]}
    )


def list_catalogs(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the catalogs."""
    return ApiResponse(
        HTTPStatus.OK, {"connectionId": _find_connection_id(deployment, request), "catalogs": ["main"]}
    )


def preview_rows(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the first rows."""
    _find_connection_id(deployment, request)
    limit = request.positive_number("limit", 100)
    names = [each["name"] for each in _COLUMNS]
    tree = {"columns": names, "rows": list(_ROWS[:limit]), "truncated": limit < len(_ROWS)}
    return ApiResponse(HTTPStatus.OK, tree)


def list_files(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the files with a prefix."""
    _find_connection_id(deployment, request)
    prefix = request.query.get("prefix", "")
    found: list[Any] = [each for each in _OBJECTS if str(each["key"]).startswith(prefix)]
    folders = ["landing/"] if request.query.get("delimiter") == "/" and not prefix else []
    return ApiResponse(
        HTTPStatus.OK, {"prefix": prefix, "objects": [] if folders else found, "commonPrefixes": folders}
    )


def read_cloud_schema(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the columns of a file."""
    identifier = _find_connection_id(deployment, request)
    require_fields(request.query, "path")
    return ApiResponse(
        HTTPStatus.OK, {"connectionId": identifier, "path": request.query["path"], "columns": list(_COLUMNS)}
    )


def run_query(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Run a query; only SELECT statements are allowed."""
    body = request.json_object()
    require_fields(body, "connectionId", "sql")
    _find_connection_id(deployment, request)
    if not isinstance(body["sql"], str) or body["sql"].split(None, 1)[:1] not in (["select"], ["SELECT"]):
        raise invalid_request(("sql", "not a SELECT"))
    names = [each["name"] for each in _COLUMNS]
    stats = {"rowsScanned": len(_ROWS), "executionMs": 3}
    return ApiResponse(HTTPStatus.OK, {"ok": True, "columns": names, "rows": list(_ROWS), "stats": stats})


def discover_databricks(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the catalogs of a Databricks workspace with their schemas."""
    require_fields(request.json_object(), "connectionId")
    catalogs = [{"name": "main", "schemas": [_SCHEMA]}]
    return ApiResponse(
        HTTPStatus.OK, {"connectionId": _find_connection_id(deployment, request), "catalogs": catalogs}
    )


def _find_connection_id(deployment: Deployment, request: ApiRequest) -> str:
    body = request.body if isinstance(request.body, dict) else {}
    identifier = (
        request.path_params.get("id") or request.query.get("connectionId") or body.get("connectionId")
    )
    if not isinstance(identifier, str) or not identifier:
        raise invalid_request(("connectionId", "missing"))
    return deployment.find_object(CONNECTIONS, request.organization, identifier).id
