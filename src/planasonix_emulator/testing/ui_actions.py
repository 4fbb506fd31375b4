"""Changes that users make in the UI: they need no API key and are not in the request log."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.messages import conflict_error, invalid_request, not_found
from planasonix_emulator.routes.request_validation import replace_config, update_config
from planasonix_emulator.storage.records import ACTIVE, DELETED, StoredRecord
from planasonix_emulator.storage.secrets import merge_secrets


def edit_object(deployment: Deployment, description: Mapping[str, Any], path: str = "") -> StoredRecord:
    """Change an object: `change` has name, config (merged; null removes) and credentialId.

    `id`, or `name` and `collection`, select the object; without them `path` does. Raises ApiError 404.
    """
    record = _find_object(deployment, description, path)
    change = description.get("change", {})
    at = deployment.next_write_time(record)
    after = replace(record, updated_at=at, name=change.get("name", record.name))
    if "credentialId" in change:
        after = replace(after, credential_id=change["credentialId"])
    config = change.get("config")
    if config is not None:
        removed = {name for name, value in config.items() if value is None}
        sent = {name: value for name, value in config.items() if name not in removed}
        after = update_config(deployment, after, sent, "merge")
        merged = merge_secrets(after.plain_config(), deployment.decrypt_secrets(after))
        kept = {name: value for name, value in merged.items() if name not in removed}
        after = replace_config(deployment, after, kept)
    return deployment.save_record(record, after)


def perform_action(deployment: Deployment, description: Mapping[str, Any]) -> StoredRecord:
    """Perform `action` on an object: edit, trash, restore, purge, or authorize (an oauth credential)."""
    record = _find_object(deployment, description)
    action = description.get("action", "edit")
    if action == "edit":
        return edit_object(deployment, description)
    if action == "trash":
        return deployment.trash_record(record)
    if action == "restore":
        return deployment.restore_record(record)
    if action == "purge":
        deployment.purge_record(record)
        return record
    if action == "authorize":
        return _authorize_credential(deployment, record)
    raise invalid_request(("action", "unknown"))


def create_objects(
    deployment: Deployment, organization: str, trees: Iterable[Mapping[str, Any]], collection: str
) -> list[str]:
    """Create objects in one transaction; return their ids. An object may have its own `id`."""
    records = [_build_record(deployment, organization, tree, collection) for tree in trees]
    deployment.store.save_records(*records)
    for record in records:
        deployment.record_creation(record)
    return [record.id for record in records]


def _find_object(deployment: Deployment, description: Mapping[str, Any], path: str = "") -> StoredRecord:
    collection, identifier = description.get("collection", ""), description.get("id", "")
    if not identifier and not description.get("name"):
        _, collection, identifier, *_ = [*path.strip("/").split("/"), "", "", ""]
    for record in _list_candidates(deployment, description, identifier):
        if collection in ("", record.collection):
            return record
    raise not_found()


def _list_candidates(
    deployment: Deployment, description: Mapping[str, Any], identifier: str
) -> list[StoredRecord]:
    if identifier:
        record = deployment.store.find_by_id(identifier)
        return [record] if record else []
    named = deployment.store.list_by_name(description.get("name", ""))
    return sorted(named, key=lambda record: not record.is_active)


def _authorize_credential(deployment: Deployment, record: StoredRecord) -> StoredRecord:
    if record.type != "oauth":
        raise conflict_error("not_oauth", "Only an oauth credential can be authorized.")
    merged = merge_secrets(record.plain_config(), deployment.decrypt_secrets(record))
    after = replace_config(deployment, record, {**merged, "refresh_token": f"rt-{record.id}"})
    return deployment.save_record(record, replace(after, updated_at=deployment.next_write_time(record)))


def _build_record(
    deployment: Deployment, organization: str, tree: Mapping[str, Any], collection: str
) -> StoredRecord:
    at = deployment.next_write_time()
    deleted = bool(tree.get("deleted"))
    record = StoredRecord(
        id=tree.get("id") or deployment.ids.next_id(collection),
        collection=collection,
        organization=tree.get("organization", organization),
        name=tree["name"],
        type=tree["type"],
        config="{}",
        status=DELETED if deleted else ACTIVE,
        credential_id=tree.get("credentialId"),
        category=tree.get("category", ""),
        created_at=at,
        updated_at=at,
        deleted_at=at if deleted else None,
    )
    return replace_config(deployment, record, tree.get("config", {}))
