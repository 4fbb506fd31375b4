"""Validation of written objects, and how a PUT combines sent and stored configuration."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.messages import invalid_request
from planasonix_emulator.storage.records import CREDENTIALS, StoredRecord, format_config, normalise_config
from planasonix_emulator.storage.secrets import CONSENT_FIELDS, merge_secrets, split_secrets

_MAX_NAME_LENGTH = 255


def validate_name(value: Any) -> str:
    """Return a name; raises ApiError 400 unless it has 1 to 255 characters and is not blank."""
    if not isinstance(value, str):
        raise invalid_request(("name", "not a string"))
    if not value.strip():
        raise invalid_request(("name", "blank"))
    if len(value) > _MAX_NAME_LENGTH:
        raise invalid_request(("name", "too long"))
    return value


def validate_config(value: Any) -> Mapping[str, Any]:
    """Return a configuration; raises ApiError 400 unless it is an object."""
    if not isinstance(value, Mapping):
        raise invalid_request(("config", "not an object"))
    return value


def require_fields(body: Mapping[str, Any], *names: str) -> None:
    """Raise ApiError 400 that names each field that is missing or null."""
    missing = tuple((name, "missing") for name in names if body.get(name) is None)
    if missing:
        raise invalid_request(*missing)


def require_same_type(body: Mapping[str, Any], record: StoredRecord) -> None:
    """Raise ApiError 400 if a write would change the type of an object."""
    if body.get("type", record.type) != record.type:
        raise invalid_request(("type", "cannot be changed"))


def select_name(body: Mapping[str, Any], record: StoredRecord) -> str:
    """Return the name that a PUT sends, or else the stored name."""
    return validate_name(body["name"]) if "name" in body else record.name


def replace_config(deployment: Deployment, record: StoredRecord, config: Mapping[str, Any]) -> StoredRecord:
    """Return the object with this configuration, its secrets encrypted."""
    plain, secret = split_secrets(_secret_registry(record), config)
    plain = normalise_config(record.type, plain, deployment.settings.normalise)
    encrypted = deployment.cipher.encrypt(record.id, secret)
    return replace(record, config=format_config(plain), encrypted=encrypted)


def update_config(
    deployment: Deployment, record: StoredRecord, config: Mapping[str, Any], mode: str
) -> StoredRecord:
    """Return the object after a PUT of a configuration; `mode` is a value of the settings `*_put`.

    `merge` keeps unsent values, `wipe` keeps only unsent plain values, any other mode keeps none.
    """
    plain, secret = record.plain_config(), deployment.decrypt_secrets(record)
    base = {"merge": merge_secrets(plain, secret), "wipe": plain}.get(mode, {})
    if record.type == "oauth":
        base = {**base, **{name: secret[name] for name in CONSENT_FIELDS if name in secret}}
    merged = {**base, **config}
    nulls = [name for name, value in config.items() if value is None]
    for name in nulls:
        if deployment.settings.null_deletes or name not in base:
            del merged[name]
        else:
            merged[name] = base[name]
    return replace_config(deployment, record, merged)


def record_received_secrets(deployment: Deployment, record: StoredRecord, config: Mapping[str, Any]) -> None:
    """Add the secrets of a sent configuration to the secret log."""
    deployment.secret_log.record_received(split_secrets(_secret_registry(record), config)[1])


def _secret_registry(record: StoredRecord) -> str:
    return record.type if record.collection == CREDENTIALS else ""
