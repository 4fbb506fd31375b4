"""The routes about the organization, its limits, connectors, pipelines, schedules and syncs."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from planasonix_emulator.dialects import speaking
from planasonix_emulator.gallery import CONNECTORS
from planasonix_emulator.listing import cursor_to, place_of
from planasonix_emulator.messages import Reply, Request, absent, invalid
from planasonix_emulator.records import CONNECTIONS
from planasonix_emulator.store import Query
from planasonix_emulator.world import World

PIPELINES = "pipelines"
SCHEDULES = "schedules"
SYNCS = "reverse_etl_syncs"

_BORN = "2025-01-01T00:00:00Z"
_PIPELINE_FIELDS = ("id", "name", "projectId", "folderId", "status", "updatedAt")
_BACKEND_PIPELINE_FIELDS = ("id", "name", "sourceConnectionId", "destConnectionId", "status")


def organization(world: World, request: Request) -> Reply:
    """Answer GET /api/organization: the one that the key speaks for."""
    name = request.organization.removeprefix("org_")
    tree = {"id": request.organization, "name": name, "slug": name.lower(), "plan": world.settings.plan}
    return Reply(HTTPStatus.OK, {"data": {**tree, "created_at": _BORN}})


def features(world: World, request: Request) -> Reply:
    """Answer GET /api/features."""
    del world, request
    return Reply(
        HTTPStatus.OK, {"data": {"features": ["credentials", "connections", "pipelines", "reverse_etl"]}}
    )


def limits(world: World, request: Request) -> Reply:
    """Answer GET /api/features/limits."""
    del request
    tree = {"max_pipelines": 10_000, "max_connections": world.settings.max_connections}
    return Reply(HTTPStatus.OK, {"data": {**tree, "max_concurrent_runs": 50, "max_agent_count": 10}})


def tier(world: World, request: Request) -> Reply:
    """Answer GET /api/tier."""
    del request
    data = {"tier": world.settings.plan, "billing_period": "annual", "renewal_date": "2030-01-01"}
    return Reply(HTTPStatus.OK, {"data": data})


def profile(world: World, request: Request) -> Reply:
    """Answer GET /api/user/profile for the service user behind the key."""
    del world
    tree = {
        "id": "usr_01HEMULATOR0000000000000000",
        "email": "automation@example.com",
        "display_name": "Automation",
        "timezone": "UTC",
        "locale": "en",
        "avatar_url": None,
        "organization_id": request.organization,
        "roles": ["maintainer"],
    }
    return Reply(HTTPStatus.OK, {"data": tree})


def api_keys(world: World, request: Request) -> Reply:
    """Answer GET /api/user/api-keys: names and scopes of the organization's keys, no part of a secret."""
    keys = [key for key in world.access.keys.values() if key.organization == request.organization]
    views = [
        {
            "id": f"key_{place:026d}",
            "name": key.name,
            "prefix": "plnx_live_xxxx",
            "scopes": list(key.scopes),
            "created_at": _BORN,
            "last_used_at": None,
            "expires_at": None,
        }
        for place, key in enumerate(keys, 1)
    ]
    return Reply(HTTPStatus.OK, {"data": views})


def gallery(world: World, request: Request) -> Reply:
    """Answer GET /api/connector-gallery: the only list of the ids that a connection may have as its type."""
    del world, request
    fields = ("id", "name", "category", "description")
    return Reply(
        200, {"connectors": [{name: getattr(each, name) for name in fields} for each in CONNECTORS.values()]}
    )


def list_pipelines(world: World, request: Request) -> Reply:
    """Answer GET /api/pipelines: without nodes."""
    asked = request.query
    found = [
        each
        for each in world.store.documents(PIPELINES, request.organization)
        if not each.get("deleted")
        and asked.get("search", "").casefold() in str(each.get("name", "")).casefold()
        and all(
            asked[name] == each.get(name) for name in ("projectId", "folderId", "status") if name in asked
        )
    ]
    names = _BACKEND_PIPELINE_FIELDS if world.settings.dialect == "backend" else _PIPELINE_FIELDS
    views = [{name: each.get(name) for name in names} for each in found]
    return Reply(HTTPStatus.OK, speaking(world.settings).several(PIPELINES, views))


def fetch_pipeline(world: World, request: Request) -> Reply:
    """Answer GET /api/pipelines/{id}: with its nodes and edges."""
    document = _document(world, request, PIPELINES)
    view = {"projectId": None, "folderId": None, "nodes": [], "edges": [], **document}
    return Reply(HTTPStatus.OK, speaking(world.settings).single(PIPELINES, view))


def list_schedules(world: World, request: Request) -> Reply:
    """Answer GET /api/schedules."""
    found = world.store.documents(SCHEDULES, request.organization)
    if "pipeline_id" in request.query:
        found = [each for each in found if each.get("pipeline_id") == request.query["pipeline_id"]]
    if "enabled" in request.query:
        found = [each for each in found if each.get("enabled") is (request.query["enabled"] == "true")]
    if world.settings.dialect == "backend":
        return Reply(HTTPStatus.OK, {"data": [_camel(each) for each in found]})
    return _paged(world, request, found, "schedule")


def fetch_schedule(world: World, request: Request) -> Reply:
    """Answer GET /api/schedules/{id}."""
    document = _document(world, request, SCHEDULES)
    if world.settings.dialect == "backend":
        return Reply(HTTPStatus.OK, _camel(document))
    return Reply(HTTPStatus.OK, {"data": _resource("schedule", document)})


def list_syncs(world: World, request: Request) -> Reply:
    """Answer GET /api/reverse-etl/syncs; the destination of a sync is a connection."""
    found = world.store.documents(SYNCS, request.organization)
    if "destination_id" in request.query:
        found = [each for each in found if each.get("destination_id") == request.query["destination_id"]]
    return _paged(world, request, found, "reverse_etl_sync")


def fetch_sync(world: World, request: Request) -> Reply:
    """Answer GET /api/reverse-etl/syncs/{id}."""
    return Reply(HTTPStatus.OK, {"data": _resource("reverse_etl_sync", _document(world, request, SYNCS))})


def list_destinations(world: World, request: Request) -> Reply:
    """Answer GET /api/reverse-etl/destinations: connections, with the only status that one ever shows."""
    found = world.store.page(Query(collection=CONNECTIONS, organization=request.organization))
    views = [
        {
            "id": each.id,
            "name": each.name,
            "connector": each.type,
            "status": "connected",
            "objects_discoverable": True,
        }
        for each in found
    ]
    return _paged(world, request, views, "reverse_etl_destination")


def _document(world: World, request: Request, collection: str) -> dict[str, Any]:
    document = world.store.document(collection, request.organization, request.params["id"])
    if document is None:
        raise absent()
    return document


def _paged(world: World, request: Request, documents: Sequence[Mapping[str, Any]], kind: str) -> Reply:
    limit = request.number("limit", world.settings.page_size)
    start = _start(request.query.get("cursor", ""))
    shown = documents[start : start + limit]
    more = start + limit < len(documents)
    cursor = cursor_to(str(start + limit)) if more else None
    data = [_resource(kind, each) for each in shown]
    return Reply(HTTPStatus.OK, {"data": data, "meta": {"page": {"limit": limit, "cursor": cursor}}})


def _resource(kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {name: value for name, value in document.items() if name != "id"}
    return {"id": document["id"], "type": kind, "attributes": attributes}


def _camel(document: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel_name(name): value for name, value in document.items()}


def _camel_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _start(cursor: str) -> int:
    place = place_of(cursor) or "0"
    if not (place.isascii() and place.isdigit()):
        raise invalid(("cursor", "unknown"))
    return int(place)
