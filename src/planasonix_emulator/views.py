"""What a reply tells of an object before a dialect gives it its shape."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from planasonix_emulator.records import CREDENTIALS, Record
from planasonix_emulator.secrecy import MASK, joined, veiled
from planasonix_emulator.world import World

EXTRAS: Mapping[str, Any] = MappingProxyType(
    {"x_revision": 7, "owner": {"team": None}, "tags": [], "lastUsedAt": None}
)
"""Fields that no page of the vendor knows, shown behind a switch."""

_CREATOR = "usr_01HEMULATOR0000000000000000"


def credential_view(world: World, record: Record, *, listed: bool = False) -> dict[str, Any]:
    """Return a credential with snake_case names; lists alone tell who created it."""
    view: dict[str, Any] = {
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "status": _status(world, record),
        "created_at": world.stamp(record.created_at),
        "updated_at": world.stamp(record.updated_at),
    }
    if listed:
        view["created_by"] = _CREATOR
    if record.deleted_at is not None:
        view["deleted_at"] = world.stamp(record.deleted_at)
    view["config"] = shown_config(world, record)
    return _with_extras(world, view)


def connection_view(world: World, record: Record, *, listed: bool = False) -> dict[str, Any]:
    """Return a connection with camelCase names; lists leave its settings out."""
    view: dict[str, Any] = {
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "category": record.category,
        "credentialId": record.credential_id,
        "createdAt": world.stamp(record.created_at),
        "updatedAt": world.stamp(record.updated_at),
        "deletedAt": world.stamp(record.deleted_at),
    }
    if not listed:
        view["config"] = shown_config(world, record)
    return _with_extras(world, view)


def gone_view(world: World, record: Record) -> dict[str, Any]:
    """Return what is told of a credential when it goes into the trash or comes out of it."""
    return {"id": record.id, "status": _status(world, record), "deleted_at": world.stamp(record.deleted_at)}


def shown_config(world: World, record: Record) -> dict[str, Any]:
    """Return the settings of an object as replies show them: without secrets, unless a switch says so."""
    settings = world.settings
    config = record.plain()
    if settings.reply_secrets != "omit" and record.sealed:
        secrets = world.secrets(record)
        if settings.reply_secrets != "leak":
            secrets = veiled(secrets, MASK if settings.reply_secrets == "mask" else None)
        config = joined(config, secrets)
    return _stringified(config) if settings.stringify else config


def _status(world: World, record: Record) -> str:
    if record.collection != CREDENTIALS or not world.settings.statuses or not record.active:
        return record.status
    statuses = world.settings.statuses
    return statuses.get(record.id) or statuses.get(record.name) or statuses.get("*") or record.status


def _with_extras(world: World, view: dict[str, Any]) -> dict[str, Any]:
    if world.settings.extra_fields:
        view.update(EXTRAS)
    return view


def _stringified(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _stringified(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_stringified(item) for item in tree]
    if isinstance(tree, bool):
        return "true" if tree else "false"
    return str(tree) if isinstance(tree, (int, float)) else tree
