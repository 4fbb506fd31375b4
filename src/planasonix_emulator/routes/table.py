"""The route table: method, path, scope, endpoint, and the fields and schemas of its documentation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.messages import ApiRequest, ApiResponse
from planasonix_emulator.routes import connection_test, connections, credentials, introspection, platform

Endpoint = Callable[[Deployment, ApiRequest], ApiResponse | Awaitable[ApiResponse]]

_READ, _PIPELINES = "connections:read", "pipelines:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRoute:
    """One operation of the API.

    `path` is in Starlette's syntax, from `/api` on. An empty `scope` needs none. `query` lists the query
    fields, with `!` for required and `:integer` for a number. `body` and `response` name schemas of the
    OpenAPI document.
    """

    method: str
    path: str
    scope: str
    endpoint: Endpoint
    query: str = ""
    body: str = ""
    response: str
    status: int = 200


def _get(path: str, scope: str, endpoint: Endpoint, response: str, query: str = "") -> ApiRoute:
    return ApiRoute(method="GET", path=path, scope=scope, endpoint=endpoint, query=query, response=response)


def _create(path: str, endpoint: Endpoint, response: str, body: str) -> ApiRoute:
    return replace(_write("POST", path, endpoint, response, body), status=201)


def _write(method: str, path: str, endpoint: Endpoint, response: str, body: str = "") -> ApiRoute:
    return ApiRoute(
        method=method, path=path, scope="connections:write", endpoint=endpoint, body=body, response=response
    )


def _test(path: str, endpoint: Endpoint, response: str, body: str) -> ApiRoute:
    return ApiRoute(
        method="POST", path=path, scope="connectors:read", endpoint=endpoint, body=body, response=response
    )


API_ROUTES: tuple[ApiRoute, ...] = (
    _get("/api/credentials", _READ, credentials.list_credentials, "CredentialPage", "limit:integer cursor"),
    _create("/api/credentials", credentials.create_credential, "Credential", "CredentialDraft"),
    _get("/api/credentials/{id}", _READ, credentials.read_credential, "Credential"),
    _write("PUT", "/api/credentials/{id}", credentials.update_credential, "Credential", "CredentialChange"),
    _write("DELETE", "/api/credentials/{id}", credentials.delete_credential, "CredentialGone"),
    _write("POST", "/api/credentials/{id}/restore", credentials.restore_credential, "CredentialGone"),
    _write("DELETE", "/api/credentials/{id}/permanent", credentials.purge_credential, "CredentialPurged"),
    _get("/api/connections", _READ, connections.list_connections, "ConnectionList", "type search"),
    _create("/api/connections", connections.create_connection, "Connection", "ConnectionDraft"),
    # Starlette uses the first path that matches, so literal paths come before parameters.
    _test("/api/connections/test", connection_test.run_connection_test, "Verdict", "ConnectionTest"),
    _test("/api/connections/test-query", introspection.run_query, "QueryResult", "Query"),
    _test("/api/connections/databricks/discover", introspection.discover_databricks, "Names", "Discovery"),
    _get("/api/connections/tables", _READ, introspection.list_tables, "Tables", "connectionId! schema"),
    _get(
        "/api/connections/columns",
        _READ,
        introspection.list_columns,
        "Columns",
        "connectionId! table! schema",
    ),
    _get("/api/connections/{id}", _READ, connections.read_connection, "Connection"),
    _write("PUT", "/api/connections/{id}", connections.update_connection, "Connection", "ConnectionChange"),
    _write("DELETE", "/api/connections/{id}", connections.delete_connection, "ConnectionGone"),
    _get("/api/connections/{id}/tables", _READ, introspection.list_tables, "Tables", "schema"),
    _get("/api/connections/{id}/columns", _READ, introspection.list_columns, "Columns", "table! schema"),
    _get("/api/connections/{id}/schemas", _READ, introspection.list_schemas, "Names"),
    _get("/api/connections/{id}/catalogs", _READ, introspection.list_catalogs, "Names"),
    _get(
        "/api/connections/{id}/preview",
        _READ,
        introspection.preview_rows,
        "Preview",
        "schema table limit:integer",
    ),
    _get("/api/connections/{id}/files", _READ, introspection.list_files, "Files", "prefix delimiter"),
    _get("/api/connections/{id}/cloud-schema", _READ, introspection.read_cloud_schema, "Columns", "path!"),
    _get("/api/organization", "", platform.read_organization, "Organization"),
    _get("/api/features", "", platform.list_features, "Facts"),
    _get("/api/features/limits", "", platform.read_limits, "Limits"),
    _get("/api/tier", "", platform.read_tier, "Facts"),
    _get("/api/user/profile", "", platform.read_profile, "Facts"),
    _get("/api/user/api-keys", "", platform.list_api_keys, "Keys"),
    _get("/api/connector-gallery", _READ, platform.list_connectors, "Gallery"),
    _get(
        "/api/pipelines",
        _PIPELINES,
        platform.list_pipelines,
        "PipelineList",
        "projectId folderId search status",
    ),
    _get("/api/pipelines/{id}", _PIPELINES, platform.read_pipeline, "Pipeline"),
    _get(
        "/api/schedules",
        "schedules:read",
        platform.list_schedules,
        "ResourcePage",
        "pipeline_id enabled limit:integer cursor",
    ),
    _get("/api/schedules/{id}", "schedules:read", platform.read_schedule, "Resource"),
    _get(
        "/api/reverse-etl/syncs",
        _PIPELINES,
        platform.list_syncs,
        "ResourcePage",
        "destination_id limit:integer cursor",
    ),
    _get("/api/reverse-etl/syncs/{id}", _PIPELINES, platform.read_sync, "Resource"),
    _get(
        "/api/reverse-etl/destinations",
        _PIPELINES,
        platform.list_destinations,
        "ResourcePage",
        "limit:integer cursor",
    ),
)
