"""Which route answers which method and path, and the scope that it asks for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from planasonix_emulator import connections, credentials, introspection, platform, trying
from planasonix_emulator.messages import Problem, Reply, Request
from planasonix_emulator.world import World

Answer = Callable[[World, Request], Reply | Awaitable[Reply]]

READ, WRITE, TEST = "connections:read", "connections:write", "connectors:read"


@dataclass(frozen=True, slots=True)
class Route:
    """One route: its method, its path from `/api` on with `{name}` for parameters, its scope, its answer."""

    method: str
    path: str
    scope: str
    answer: Answer


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/credentials", READ, credentials.list_all),
    Route("POST", "/api/credentials", WRITE, credentials.create),
    Route("GET", "/api/credentials/{id}", READ, credentials.fetch),
    Route("PUT", "/api/credentials/{id}", WRITE, credentials.update),
    Route("DELETE", "/api/credentials/{id}", WRITE, credentials.delete),
    Route("POST", "/api/credentials/{id}/restore", WRITE, credentials.restore),
    Route("DELETE", "/api/credentials/{id}/permanent", WRITE, credentials.purge),
    Route("GET", "/api/connections", READ, connections.list_all),
    Route("POST", "/api/connections", WRITE, connections.create),
    Route("POST", "/api/connections/test", TEST, trying.test),
    Route("GET", "/api/connections/{id}", READ, connections.fetch),
    Route("PUT", "/api/connections/{id}", WRITE, connections.update),
    Route("DELETE", "/api/connections/{id}", WRITE, connections.delete),
    Route("GET", "/api/connections/tables", READ, introspection.tables),
    Route("GET", "/api/connections/columns", READ, introspection.columns),
    Route("POST", "/api/connections/test-query", TEST, introspection.test_query),
    Route("POST", "/api/connections/databricks/discover", TEST, introspection.databricks),
    Route("GET", "/api/connections/{id}/tables", READ, introspection.tables),
    Route("GET", "/api/connections/{id}/columns", READ, introspection.columns),
    Route("GET", "/api/connections/{id}/schemas", READ, introspection.schemas),
    Route("GET", "/api/connections/{id}/catalogs", READ, introspection.catalogs),
    Route("GET", "/api/connections/{id}/preview", READ, introspection.preview),
    Route("GET", "/api/connections/{id}/files", READ, introspection.files),
    Route("GET", "/api/connections/{id}/cloud-schema", READ, introspection.cloud_schema),
    Route("GET", "/api/organization", "", platform.organization),
    Route("GET", "/api/features", "", platform.features),
    Route("GET", "/api/features/limits", "", platform.limits),
    Route("GET", "/api/tier", "", platform.tier),
    Route("GET", "/api/user/profile", "", platform.profile),
    Route("GET", "/api/user/api-keys", "", platform.api_keys),
    Route("GET", "/api/connector-gallery", READ, platform.gallery),
    Route("GET", "/api/pipelines", "pipelines:read", platform.list_pipelines),
    Route("GET", "/api/pipelines/{id}", "pipelines:read", platform.fetch_pipeline),
    Route("GET", "/api/schedules", "schedules:read", platform.list_schedules),
    Route("GET", "/api/schedules/{id}", "schedules:read", platform.fetch_schedule),
    Route("GET", "/api/reverse-etl/syncs", "pipelines:read", platform.list_syncs),
    Route("GET", "/api/reverse-etl/syncs/{id}", "pipelines:read", platform.fetch_sync),
    Route("GET", "/api/reverse-etl/destinations", "pipelines:read", platform.list_destinations),
)


class _Node:
    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.parameter: tuple[str, _Node] | None = None
        self.by_method: dict[str, Route] = {}


def _planted(routes: tuple[Route, ...]) -> _Node:
    root = _Node()
    for route in routes:
        node = root
        for word in route.path.strip("/").split("/"):
            if word.startswith("{"):
                if node.parameter is None:
                    node.parameter = (word.strip("{}"), _Node())
                node = node.parameter[1]
            else:
                node = node.literal.setdefault(word, _Node())
        node.by_method[route.method] = route
    return root


_TREE = _planted(ROUTES)


def routed(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """Return the route of a path, literal words before parameters; raises Problem 404 or 405."""
    node = _TREE
    params: dict[str, str] = {}
    for word in path.strip("/").split("/"):
        below = node.literal.get(word)
        if below is None and node.parameter is not None and word:
            name, below = node.parameter
            params[name] = word
        if below is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", "There is no such path.")
        node = below
    if not node.by_method:
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", "There is no such path.")
    route = node.by_method.get(method)
    if route is None:
        allowed = ", ".join(sorted(node.by_method))
        raise Problem(
            HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "The path does not take this method."
        ).having(("Allow", allowed))
    return route, MappingProxyType(params)
