"""The endpoints below /api/connections that read and write connections."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.messages import ApiRequest, ApiResponse, conflict_error, invalid_request
from planasonix_emulator.http.pagination import read_page
from planasonix_emulator.http.response_formats import select_format
from planasonix_emulator.routes.credentials import refuse_hidden
from planasonix_emulator.routes.platform import PIPELINES
from planasonix_emulator.routes.request_validation import (
    record_received_secrets,
    replace_config,
    require_fields,
    require_same_type,
    select_name,
    update_config,
    validate_config,
    validate_name,
)
from planasonix_emulator.routes.serializers import serialize_connection
from planasonix_emulator.storage.records import CONNECTIONS, CREDENTIALS, StoredRecord
from planasonix_emulator.storage.store import RecordQuery
from planasonix_emulator.targets.connectors import find_missing_settings, is_known_type

_MAX_LISTED_PIPELINES = 20


def list_connections(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return the connections without their configuration, filtered by type and by part of the name."""
    response_format = select_format(deployment.settings)
    query = RecordQuery(
        collection=CONNECTIONS,
        organization=request.organization,
        type=request.query.get("type", ""),
        search=request.query.get("search", ""),
    )
    default_limit = response_format.connection_page_size()
    page = read_page(deployment, request, query, default_limit=default_limit, counted=True)
    views = [serialize_connection(deployment, record, listed=True) for record in page.records]
    return ApiResponse(HTTPStatus.OK, response_format.format_connections(views, page))


def create_connection(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Create a connection."""
    response_format = select_format(deployment.settings)
    body = response_format.parse_connection(request.json_object())
    require_fields(body, "name", "type", "config")
    config = {name: value for name, value in validate_config(body["config"]).items() if value is not None}
    kind = body["type"]
    if not isinstance(kind, str) or not (is_known_type(kind) or deployment.settings.accept_unknown_type):
        raise invalid_request(("type", "unknown"))
    at = deployment.next_write_time()
    record = StoredRecord(
        id=deployment.ids.next_id(CONNECTIONS),
        collection=CONNECTIONS,
        organization=request.organization,
        name=validate_name(body["name"]),
        type=kind,
        config="{}",
        credential_id=_validate_credential_id(deployment, request, body.get("credentialId")),
        category=_validate_category(body),
        created_at=at,
        updated_at=at,
    )
    deployment.require_free_name(record)
    record_received_secrets(deployment, record, config)
    record = replace_config(deployment, record, config)
    _require_settings(deployment, record)
    deployment.save_record(None, record)
    view = response_format.format_connection(serialize_connection(deployment, record), created=True)
    return ApiResponse(deployment.settings.create_status, view)


def read_connection(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return one connection."""
    record = deployment.select_lagging_version(_find_connection(deployment, request))
    return _respond(deployment, record, HTTPStatus.OK)


def update_connection(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Change a connection; the settings decide whether unsent fields remain."""
    settings = deployment.settings
    record = _find_connection(deployment, request)
    body = select_format(settings).parse_connection(request.json_object())
    if settings.connection_put == "whole":
        body = {"config": {}, "credentialId": None, **body}
    require_same_type(body, record)
    config = validate_config(body.get("config", {}))
    after = replace(
        record, name=select_name(body, record), category=_validate_category(body) or record.category
    )
    if "credentialId" in body:
        credential_id = body["credentialId"]
        if credential_id != record.credential_id:
            credential_id = _validate_credential_id(deployment, request, credential_id)
        after = replace(after, credential_id=credential_id)
    deployment.require_free_name(after)
    record_received_secrets(deployment, record, config)
    deployment.apply_concurrent_edit()
    if settings.connection_put == "ignore":
        return _respond(deployment, record, settings.update_status)
    if "config" in body:
        after = update_config(deployment, after, config, settings.connection_put)
        _require_settings(deployment, after)
    after = replace(after, updated_at=deployment.next_write_time(record))
    return _respond(deployment, deployment.save_record(record, after), settings.update_status)


def delete_connection(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Delete a connection unless a pipeline uses it."""
    record = _find_connection(deployment, request)
    mentioning = deployment.store.list_mentioning(PIPELINES, record.id)
    pipelines = [each for each in mentioning if not _is_deleted(each)]
    if pipelines:
        details = tuple(("pipeline", str(each["id"])) for each in pipelines[:_MAX_LISTED_PIPELINES])
        message = f"{len(pipelines)} pipelines still use this connection."
        raise conflict_error("connection_in_use", message, details)
    view = serialize_connection(deployment, deployment.trash_record(record))
    tree = select_format(deployment.settings).format_deleted_connection(view)
    return ApiResponse(deployment.settings.delete_status, tree)


def _find_connection(deployment: Deployment, request: ApiRequest) -> StoredRecord:
    record = deployment.find_object(CONNECTIONS, request.organization, request.path_params["id"])
    refuse_hidden(deployment, record)
    return record


def _require_settings(deployment: Deployment, record: StoredRecord) -> None:
    if not deployment.settings.check_required:
        return
    store = deployment.store
    credential = store.find_record(CREDENTIALS, record.organization, record.credential_id or "")
    inherited = credential.plain_config() if credential else {}
    missing = find_missing_settings(record.type, {**inherited, **record.plain_config()})
    if missing:
        raise invalid_request(*((f"config.{name}", "missing") for name in missing))


def _validate_credential_id(deployment: Deployment, request: ApiRequest, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise invalid_request(("credentialId", "not an id"))
    record = deployment.store.find_record(CREDENTIALS, request.organization, value)
    if deployment.settings.check_credential and (record is None or not record.is_active):
        raise invalid_request(("credentialId", "unknown or deleted"))
    return value


def _validate_category(body: Mapping[str, Any]) -> str:
    category = body.get("category", "")
    if not isinstance(category, str):
        raise invalid_request(("category", "not a string"))
    return category


def _is_deleted(pipeline: Mapping[str, Any]) -> bool:
    if pipeline.get("deleted") or pipeline.get("deletedAt"):
        return True
    return pipeline.get("status") == "deleted"


def _respond(deployment: Deployment, record: StoredRecord, status: int) -> ApiResponse:
    view = serialize_connection(deployment, record)
    return ApiResponse(status, select_format(deployment.settings).format_connection(view))
