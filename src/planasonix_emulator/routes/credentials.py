"""The endpoints below /api/credentials."""

from dataclasses import replace
from http import HTTPStatus

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.messages import (
    ApiError,
    ApiRequest,
    ApiResponse,
    conflict_error,
    invalid_request,
    not_found,
)
from planasonix_emulator.http.pagination import read_page
from planasonix_emulator.http.response_formats import select_format
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
from planasonix_emulator.routes.serializers import serialize_credential, serialize_deletion
from planasonix_emulator.storage.records import CREDENTIALS, StoredRecord
from planasonix_emulator.storage.secrets import CREDENTIAL_TYPES
from planasonix_emulator.storage.store import RecordQuery


def list_credentials(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return a page of the credentials that the key can read, without secrets."""
    settings = deployment.settings
    query = RecordQuery(
        collection=CREDENTIALS, organization=request.organization, deleted=settings.list_deleted
    )
    page = read_page(deployment, request, query, default_limit=settings.page_size)
    views = [serialize_credential(deployment, record, listed=True) for record in page.records]
    return ApiResponse(HTTPStatus.OK, select_format(settings).format_credentials(views, page))


def create_credential(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Create a credential."""
    body = select_format(deployment.settings).parse_credential(request.json_object())
    require_fields(body, "name", "type", "config")
    if body["type"] not in CREDENTIAL_TYPES:
        raise invalid_request(("type", f"not one of {', '.join(CREDENTIAL_TYPES)}"))
    config = {name: value for name, value in validate_config(body["config"]).items() if value is not None}
    at = deployment.next_write_time()
    record = StoredRecord(
        id=deployment.ids.next_id(CREDENTIALS),
        collection=CREDENTIALS,
        organization=request.organization,
        name=validate_name(body["name"]),
        type=body["type"],
        config="{}",
        created_at=at,
        updated_at=at,
    )
    deployment.require_free_name(record)
    record_received_secrets(deployment, record, config)
    created = deployment.save_record(None, replace_config(deployment, record, config))
    return _respond(deployment, created, deployment.settings.create_status)


def read_credential(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Return one credential; a deleted one with that status."""
    record = deployment.select_lagging_version(_find_credential(deployment, request))
    if not record.is_active and deployment.settings.deleted_get == HTTPStatus.NOT_FOUND:
        raise not_found()
    return _respond(deployment, record, HTTPStatus.OK)


def update_credential(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Change a credential; the settings decide whether unsent fields remain."""
    settings = deployment.settings
    record = _find_credential(deployment, request)
    if not record.is_active:
        raise conflict_error("credential_deleted", "The credential is deleted; restore it first.")
    body = select_format(settings).parse_credential(request.json_object())
    require_same_type(body, record)
    config = validate_config(body.get("config", {}))
    renamed = replace(record, name=select_name(body, record))
    deployment.require_free_name(renamed)
    record_received_secrets(deployment, record, config)
    deployment.apply_concurrent_edit()
    if settings.credential_put == "ignore":
        return _respond(deployment, record, settings.update_status)
    after = replace(renamed, updated_at=deployment.next_write_time(record))
    if "config" in body or settings.credential_put == "whole":
        after = update_config(deployment, after, config, settings.credential_put)
    return _respond(deployment, deployment.save_record(record, after), settings.update_status)


def delete_credential(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Mark a credential as deleted, also one in use; deleting it again changes nothing."""
    record = _find_credential(deployment, request)
    deleted = deployment.trash_record(record) if record.is_active else record
    return _respond_deletion(deployment, deleted, deployment.settings.delete_status)


def restore_credential(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Make a deleted credential active unless another active one has its name."""
    record = _find_credential(deployment, request)
    restored = record if record.is_active else deployment.restore_record(record)
    return _respond_deletion(deployment, restored, HTTPStatus.OK)


def purge_credential(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Delete a credential permanently."""
    record = _find_credential(deployment, request)
    if record.is_active and deployment.settings.purge_needs_trash:
        raise conflict_error("credential_active", "Delete the credential before you purge it.")
    deployment.purge_record(record)
    tree = {"id": record.id, "purged": True}
    response_format = select_format(deployment.settings)
    return ApiResponse(deployment.settings.delete_status, response_format.format_credential(tree))


def refuse_hidden(deployment: Deployment, record: StoredRecord) -> None:
    """Raise ApiError if the settings hide this object from the key."""
    settings = deployment.settings
    if settings.hidden_get == HTTPStatus.OK or not {record.id, record.name} & set(settings.hidden):
        return
    if settings.hidden_get == HTTPStatus.FORBIDDEN:
        message = "A resource policy keeps this object from the API key."
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", message)
    raise not_found()


def _find_credential(deployment: Deployment, request: ApiRequest) -> StoredRecord:
    record = deployment.find_object(CREDENTIALS, request.organization, request.path_params["id"])
    refuse_hidden(deployment, record)
    return record


def _respond(deployment: Deployment, record: StoredRecord, status: int) -> ApiResponse:
    response_format = select_format(deployment.settings)
    return ApiResponse(status, response_format.format_credential(serialize_credential(deployment, record)))


def _respond_deletion(deployment: Deployment, record: StoredRecord, status: int) -> ApiResponse:
    response_format = select_format(deployment.settings)
    return ApiResponse(status, response_format.format_credential(serialize_deletion(deployment, record)))
