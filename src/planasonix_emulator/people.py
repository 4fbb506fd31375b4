"""What people do in the UI: edits, deletions and consent, without an API key and without a request."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from planasonix_emulator.drafts import put_config, with_config
from planasonix_emulator.messages import Problem, absent, invalid
from planasonix_emulator.records import ACTIVE, DELETED, Record
from planasonix_emulator.secrecy import joined
from planasonix_emulator.world import World


def edit(world: World, what: Mapping[str, Any], path: str = "") -> Record:
    """Change an object as its owner would: `change` holds name, config (merged; null removes), credentialId.

    The object is the one with the `id`, or with the `name` within a `collection`, or the one in the path.
    Raises Problem 404.
    """
    record = found(world, what, path)
    change = what.get("change", {})
    after = replace(record, updated_at=world.moment(record), name=change.get("name", record.name))
    if "credentialId" in change:
        after = replace(after, credential_id=change["credentialId"])
    config = change.get("config")
    if config is not None:
        removed = {name for name, value in config.items() if value is None}
        after = put_config(world, after, {k: v for k, v in config.items() if k not in removed}, "merge")
        whole = joined(after.plain(), world.secrets(after))
        after = with_config(world, after, {k: v for k, v in whole.items() if k not in removed})
    return world.save(record, after)


def act(world: World, what: Mapping[str, Any]) -> Record:
    """Do to an object what `action` says: edit, trash, restore, purge, or authorize (an oauth credential)."""
    record = found(world, what)
    action = what.get("action", "edit")
    if action == "edit":
        return edit(world, what)
    if action == "trash":
        return world.trash(record)
    if action == "restore":
        return world.revive(record)
    if action == "purge":
        world.purge(record)
        return record
    if action == "authorize":
        return _authorized(world, record)
    raise invalid(("action", "unknown"))


def make(world: World, organization: str, trees: Iterable[Mapping[str, Any]], collection: str) -> list[str]:
    """Create objects in one go, as if in the UI; return their ids. `id` may be given."""
    records = [_made(world, organization, tree, collection) for tree in trees]
    world.store.keep(*records)
    for record in records:
        world.histories[collection].note(record.id, None, world.clock.now())
    return [record.id for record in records]


def found(world: World, what: Mapping[str, Any], path: str = "") -> Record:
    """Return the object that a description means, whichever organization it is in; raises Problem 404."""
    collection, identifier = what.get("collection", ""), what.get("id", "")
    if not identifier and not what.get("name"):
        _, collection, identifier, *_ = [*path.strip("/").split("/"), "", "", ""]
    for record in _candidates(world, what, identifier):
        if collection in ("", record.collection):
            return record
    raise absent()


def _candidates(world: World, what: Mapping[str, Any], identifier: str) -> list[Record]:
    if identifier:
        record = world.store.by_id(identifier)
        return [record] if record else []
    return sorted(world.store.called(what.get("name", "")), key=lambda record: not record.active)


def _authorized(world: World, record: Record) -> Record:
    if record.type != "oauth":
        raise Problem(HTTPStatus.CONFLICT, "not_oauth", "Only an oauth credential takes a consent.")
    whole = {**joined(record.plain(), world.secrets(record)), "refresh_token": f"rt-{record.id}"}
    return world.save(record, replace(with_config(world, record, whole), updated_at=world.moment(record)))


def _made(world: World, organization: str, tree: Mapping[str, Any], collection: str) -> Record:
    at = world.moment()
    deleted = bool(tree.get("deleted"))
    record = Record(
        id=tree.get("id") or world.ids.next(collection),
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
    return with_config(world, record, tree.get("config", {}))
