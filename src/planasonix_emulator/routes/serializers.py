"""Serializers: the fields of an object in a response, before a response format arranges them."""

from collections.abc import Mapping
from typing import Any

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.response_formats import EXTRA_FIELDS
from planasonix_emulator.storage.records import CREDENTIALS, StoredRecord
from planasonix_emulator.storage.secrets import MASK, mask_secrets, merge_secrets

_CREATOR = "usr_01HEMULATOR0000000000000000"


def serialize_credential(
    deployment: Deployment, record: StoredRecord, *, listed: bool = False
) -> dict[str, Any]:
    """Return a credential in snake_case; only lists show who created it."""
    view: dict[str, Any] = {
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "status": _select_status(deployment, record),
        "created_at": deployment.format_time(record.created_at),
        "updated_at": deployment.format_time(record.updated_at),
    }
    if listed:
        view["created_by"] = _CREATOR
    if record.deleted_at is not None:
        view["deleted_at"] = deployment.format_time(record.deleted_at)
    view["config"] = serialize_config(deployment, record)
    return _add_extra_fields(deployment, view)


def serialize_connection(
    deployment: Deployment, record: StoredRecord, *, listed: bool = False
) -> dict[str, Any]:
    """Return a connection in camelCase; lists omit its configuration."""
    view: dict[str, Any] = {
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "category": record.category,
        "credentialId": record.credential_id,
        "createdAt": deployment.format_time(record.created_at),
        "updatedAt": deployment.format_time(record.updated_at),
        "deletedAt": deployment.format_time(record.deleted_at),
    }
    if not listed:
        view["config"] = serialize_config(deployment, record)
    return _add_extra_fields(deployment, view)


def serialize_deletion(deployment: Deployment, record: StoredRecord) -> dict[str, Any]:
    """Return the fields of a deleted or restored credential."""
    return {
        "id": record.id,
        "status": _select_status(deployment, record),
        "deleted_at": deployment.format_time(record.deleted_at),
    }


def serialize_config(deployment: Deployment, record: StoredRecord) -> dict[str, Any]:
    """Return the configuration of an object; the settings decide whether it contains secrets."""
    settings = deployment.settings
    config = record.plain_config()
    if settings.reply_secrets != "omit" and record.encrypted:
        secrets = deployment.decrypt_secrets(record)
        if settings.reply_secrets != "leak":
            secrets = mask_secrets(secrets, MASK if settings.reply_secrets == "mask" else None)
        config = merge_secrets(config, secrets)
    if settings.unordered_fields:
        config = {name: _shuffle_value(deployment, name, value) for name, value in config.items()}
    return _stringify_scalars(config) if settings.stringify else config


def _shuffle_value(deployment: Deployment, name: str, value: Any) -> Any:
    is_unordered = isinstance(value, list) and name in deployment.settings.unordered_fields
    return deployment.shuffle_list(value) if is_unordered else value


def _select_status(deployment: Deployment, record: StoredRecord) -> str:
    statuses = deployment.settings.statuses
    if record.collection != CREDENTIALS or not statuses or not record.is_active:
        return record.status
    return statuses.get(record.id) or statuses.get(record.name) or statuses.get("*") or record.status


def _add_extra_fields(deployment: Deployment, view: dict[str, Any]) -> dict[str, Any]:
    if deployment.settings.extra_fields:
        view.update(EXTRA_FIELDS)
    return view


def _stringify_scalars(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _stringify_scalars(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_stringify_scalars(item) for item in tree]
    if isinstance(tree, bool):
        return "true" if tree else "false"
    return str(tree) if isinstance(tree, (int, float)) else tree
