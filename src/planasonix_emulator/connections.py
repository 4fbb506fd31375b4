"""The routes under /api/connections that keep connections."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from planasonix_emulator.credentials import refuse_hidden
from planasonix_emulator.dialects import speaking
from planasonix_emulator.drafts import (
    checked_config,
    checked_name,
    conflict,
    name_of,
    put_config,
    received,
    required,
    unchanged_type,
    with_config,
)
from planasonix_emulator.gallery import known_type, missing_settings
from planasonix_emulator.listing import page
from planasonix_emulator.messages import Reply, Request, invalid
from planasonix_emulator.records import CONNECTIONS, CREDENTIALS, Record
from planasonix_emulator.store import Query
from planasonix_emulator.views import connection_view
from planasonix_emulator.world import World

PIPELINES = "pipelines"


def list_all(world: World, request: Request) -> Reply:
    """Answer GET /api/connections: filtered by exact type and by part of the name, without settings."""
    dialect = speaking(world.settings)
    query = Query(
        collection=CONNECTIONS,
        organization=request.organization,
        type=request.query.get("type", ""),
        search=request.query.get("search", ""),
    )
    found = page(world, request, query, default_limit=dialect.connection_limit(), counted=True)
    views = [connection_view(world, record, listed=True) for record in found.records]
    return Reply(HTTPStatus.OK, dialect.connections(views, found))


def create(world: World, request: Request) -> Reply:
    """Answer POST /api/connections."""
    dialect = speaking(world.settings)
    draft = dialect.connection_draft(request.tree(), whole=True)
    required(draft, "name", "type", "config")
    config = {name: value for name, value in checked_config(draft["config"]).items() if value is not None}
    kind = draft["type"]
    if not isinstance(kind, str) or not (known_type(kind) or world.settings.accept_unknown_type):
        raise invalid(("type", "unknown"))
    at = world.moment()
    record = Record(
        id=world.ids.next(CONNECTIONS),
        collection=CONNECTIONS,
        organization=request.organization,
        name=checked_name(draft["name"]),
        type=kind,
        config="{}",
        credential_id=_credential_id(world, request, draft.get("credentialId")),
        category=_category(draft),
        created_at=at,
        updated_at=at,
    )
    record = _accepted(world, record, config)
    world.save(None, record)
    return Reply(
        world.settings.create_status, dialect.connection(connection_view(world, record), created=True)
    )


def fetch(world: World, request: Request) -> Reply:
    """Answer GET /api/connections/{id}."""
    return _reply(world, _visible(world, request), 200)


def update(world: World, request: Request) -> Reply:
    """Answer PUT /api/connections/{id}: settings replaced or merged, all else left alone unless it is sent.

    Where a PUT takes wholes, what is not sent is gone.
    """
    record = _visible(world, request)
    draft = speaking(world.settings).connection_draft(request.tree(), whole=False)
    if world.settings.connection_put == "whole":
        draft = {"config": {}, "credentialId": None, **draft}
    unchanged_type(draft, record)
    config = checked_config(draft.get("config", {}))
    wanted = replace(record, name=name_of(draft, record), category=_category(draft) or record.category)
    if "credentialId" in draft:
        credential_id = draft["credentialId"]
        if credential_id != record.credential_id:
            credential_id = _credential_id(world, request, credential_id)
        wanted = replace(wanted, credential_id=credential_id)
    world.claim(wanted)
    received(world, record, config)
    world.between()
    how = world.settings.connection_put
    if how == "ignore":
        return _reply(world, record, world.settings.update_status)
    if "config" in draft:
        wanted = put_config(world, wanted, config, how)
        _refuse_incomplete(world, wanted)
    wanted = replace(wanted, updated_at=world.moment(record))
    return _reply(world, world.save(record, wanted), world.settings.update_status)


def delete(world: World, request: Request) -> Reply:
    """Answer DELETE /api/connections/{id}; refused while a pipeline that is not deleted mentions it."""
    record = _visible(world, request)
    pipelines = [each for each in world.store.mentioning(PIPELINES, record.id) if not _gone(each)]
    if pipelines:
        users = tuple(("pipeline", str(each["id"])) for each in pipelines[:20])
        problem = conflict("connection_in_use", f"{len(pipelines)} pipelines still use this connection.")
        problem.details = users
        raise problem
    gone = world.trash(record)
    tree = speaking(world.settings).connection_gone(connection_view(world, gone))
    return Reply(world.settings.delete_status, tree)


def _visible(world: World, request: Request) -> Record:
    record = world.found(CONNECTIONS, request.organization, request.params["id"])
    refuse_hidden(world, record)
    return record


def _accepted(world: World, record: Record, config: Mapping[str, Any]) -> Record:
    world.claim(record)
    received(world, record, config)
    record = with_config(world, record, config)
    _refuse_incomplete(world, record)
    return record


def _refuse_incomplete(world: World, record: Record) -> None:
    if not world.settings.check_required:
        return
    credential = world.store.find(CREDENTIALS, record.organization, record.credential_id or "")
    beside = credential.plain() if credential else {}
    missing = missing_settings(record.type, {**beside, **record.plain()})
    if missing:
        raise invalid(*((f"config.{name}", "missing") for name in missing))


def _credential_id(world: World, request: Request, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise invalid(("credentialId", "not an id"))
    record = world.store.find(CREDENTIALS, request.organization, value)
    if world.settings.check_credential and (record is None or not record.active):
        raise invalid(("credentialId", "unknown or deleted"))
    return value


def _category(draft: Mapping[str, Any]) -> str:
    category = draft.get("category", "")
    if not isinstance(category, str):
        raise invalid(("category", "not a string"))
    return category


def _gone(pipeline: Mapping[str, Any]) -> bool:
    return (
        bool(pipeline.get("deleted"))
        or pipeline.get("status") == "deleted"
        or bool(pipeline.get("deletedAt"))
    )


def _reply(world: World, record: Record, status: int) -> Reply:
    return Reply(status, speaking(world.settings).connection(connection_view(world, record)))
