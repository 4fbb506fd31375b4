"""The endpoints for the organization, its limits, connectors, pipelines, schedules and syncs."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.messages import ApiRequest, ApiResponse, invalid_request, not_found
from planasonix_emulator.http.pagination import decode_cursor, encode_cursor
from planasonix_emulator.http.response_formats import select_format
from planasonix_emulator.storage.records import CONNECTIONS
from planasonix_emulator.storage.store import RecordQuery
from planasonix_emulator.targets.connectors import CONNECTORS

PIPELINES = "pipelines"
SCHEDULES = "schedules"
SYNCS = "reverse_etl_syncs"

_CREATED_AT = "2025-01-01T00:00:00Z"
_PIPELINE_FIELDS = ("id", "name", "projectId", "folderId", "status", "updatedAt")
_BACKEND_PIPELINE_FIELDS = ("id", "name", "sourceConnectionId", "destConnectionId", "status")


def read_organization(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the organization of the key."""
    name = request.organization.removeprefix("org_")
    tree = {"id": request.organization, "name": name, "slug": name.lower(), "plan": deployment.settings.plan}
    return ApiResponse(HTTPStatus.OK, {"data": {**tree, "created_at": _CREATED_AT}})


def list_features(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the features of the organization."""
    del deployment, request
    return ApiResponse(
        HTTPStatus.OK, {"data": {"features": ["credentials", "connections", "pipelines", "reverse_etl"]}}
    )


def read_limits(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the limits of the organization."""
    del request
    tree = {"max_pipelines": 10_000, "max_connections": deployment.settings.max_connections}
    return ApiResponse(HTTPStatus.OK, {"data": {**tree, "max_concurrent_runs": 50, "max_agent_count": 10}})


def read_tier(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the tier of the organization."""
    del request
    data = {"tier": deployment.settings.plan, "billing_period": "annual", "renewal_date": "2030-01-01"}
    return ApiResponse(HTTPStatus.OK, {"data": data})


def read_profile(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the profile of the service user that owns the key."""
    del deployment
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
    return ApiResponse(HTTPStatus.OK, {"data": tree})


def list_api_keys(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the names and scopes of the organization's keys, without secrets."""
    keys = [key for key in deployment.keys.list_keys() if key.organization == request.organization]
    views = [
        {
            "id": f"key_{number:026d}",
            "name": key.name,
            "prefix": "plnx_live_xxxx",
            "scopes": list(key.scopes),
            "created_at": _CREATED_AT,
            "last_used_at": None,
            "expires_at": None,
        }
        for number, key in enumerate(keys, 1)
    ]
    return ApiResponse(HTTPStatus.OK, {"data": views})


def list_connectors(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the connectors; their ids are the allowed types of a connection."""
    del deployment, request
    fields = ("id", "name", "category", "description")
    return ApiResponse(
        200, {"connectors": [{name: getattr(each, name) for name in fields} for each in CONNECTORS.values()]}
    )


def list_pipelines(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the pipelines without their nodes."""
    query = request.query
    found = [
        each
        for each in deployment.store.list_documents(PIPELINES, request.organization)
        if not each.get("deleted")
        and query.get("search", "").casefold() in str(each.get("name", "")).casefold()
        and all(
            query[name] == each.get(name) for name in ("projectId", "folderId", "status") if name in query
        )
    ]
    names = _BACKEND_PIPELINE_FIELDS if deployment.settings.dialect == "backend" else _PIPELINE_FIELDS
    views = [{name: each.get(name) for name in names} for each in found]
    return ApiResponse(HTTPStatus.OK, select_format(deployment.settings).format_documents(PIPELINES, views))


def read_pipeline(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return one pipeline with its nodes and edges."""
    document = _find_document(deployment, request, PIPELINES)
    view = {"projectId": None, "folderId": None, "nodes": [], "edges": [], **document}
    return ApiResponse(HTTPStatus.OK, select_format(deployment.settings).format_document(PIPELINES, view))


def list_schedules(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return a page of the schedules."""
    found = deployment.store.list_documents(SCHEDULES, request.organization)
    if "pipeline_id" in request.query:
        found = [each for each in found if each.get("pipeline_id") == request.query["pipeline_id"]]
    if "enabled" in request.query:
        found = [each for each in found if each.get("enabled") is (request.query["enabled"] == "true")]
    if deployment.settings.dialect == "backend":
        return ApiResponse(HTTPStatus.OK, {"data": [_to_camel_case(each) for each in found]})
    return _respond_page(deployment, request, found, "schedule")


def read_schedule(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return one schedule."""
    document = _find_document(deployment, request, SCHEDULES)
    if deployment.settings.dialect == "backend":
        return ApiResponse(HTTPStatus.OK, _to_camel_case(document))
    return ApiResponse(HTTPStatus.OK, {"data": _build_resource("schedule", document)})


def list_syncs(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return a page of the syncs; the destination of a sync is a connection."""
    found = deployment.store.list_documents(SYNCS, request.organization)
    if "destination_id" in request.query:
        found = [each for each in found if each.get("destination_id") == request.query["destination_id"]]
    return _respond_page(deployment, request, found, "reverse_etl_sync")


def read_sync(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return one sync."""
    return ApiResponse(
        HTTPStatus.OK,
        {"data": _build_resource("reverse_etl_sync", _find_document(deployment, request, SYNCS))},
    )


def list_destinations(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return a page of the destinations: all connections, each with the status `connected`."""
    found = deployment.store.select_records(
        RecordQuery(collection=CONNECTIONS, organization=request.organization)
    )
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
    return _respond_page(deployment, request, views, "reverse_etl_destination")


def _find_document(deployment: Deployment, request: ApiRequest, collection: str) -> dict[str, Any]:
    document = deployment.store.find_document(collection, request.organization, request.path_params["id"])
    if document is None:
        raise not_found()
    return document


def _respond_page(
    deployment: Deployment, request: ApiRequest, documents: Sequence[Mapping[str, Any]], kind: str
) -> ApiResponse:
    limit = request.positive_number("limit", deployment.settings.page_size)
    start = _decode_offset(request.query.get("cursor", ""))
    shown = documents[start : start + limit]
    more = start + limit < len(documents)
    cursor = encode_cursor(str(start + limit)) if more else None
    data = [_build_resource(kind, each) for each in shown]
    return ApiResponse(HTTPStatus.OK, {"data": data, "meta": {"page": {"limit": limit, "cursor": cursor}}})


def _build_resource(kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {name: value for name, value in document.items() if name != "id"}
    return {"id": document["id"], "type": kind, "attributes": attributes}


def _to_camel_case(document: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel_case_name(name): value for name, value in document.items()}


def _camel_case_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _decode_offset(cursor: str) -> int:
    position = decode_cursor(cursor) or "0"
    if not (position.isascii() and position.isdigit()):
        raise invalid_request(("cursor", "unknown"))
    return int(position)
