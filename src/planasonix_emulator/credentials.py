"""The routes under /api/credentials."""

from dataclasses import replace
from http import HTTPStatus

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
from planasonix_emulator.listing import page
from planasonix_emulator.messages import Problem, Reply, Request, absent, invalid
from planasonix_emulator.records import CREDENTIALS, Record
from planasonix_emulator.secrecy import CREDENTIAL_TYPES
from planasonix_emulator.store import Query
from planasonix_emulator.views import credential_view, gone_view
from planasonix_emulator.world import World


def list_all(world: World, request: Request) -> Reply:
    """Answer GET /api/credentials: a page of what the key can see, without secrets."""
    query = Query(
        collection=CREDENTIALS, organization=request.organization, deleted=world.settings.list_deleted
    )
    found = page(world, request, query, default_limit=world.settings.page_size)
    views = [credential_view(world, record, listed=True) for record in found.records]
    return Reply(HTTPStatus.OK, speaking(world.settings).credentials(views, found))


def create(world: World, request: Request) -> Reply:
    """Answer POST /api/credentials."""
    draft = speaking(world.settings).credential_draft(request.tree())
    required(draft, "name", "type", "config")
    if draft["type"] not in CREDENTIAL_TYPES:
        raise invalid(("type", f"not one of {', '.join(CREDENTIAL_TYPES)}"))
    config = {name: value for name, value in checked_config(draft["config"]).items() if value is not None}
    at = world.moment()
    record = Record(
        id=world.ids.next(CREDENTIALS),
        collection=CREDENTIALS,
        organization=request.organization,
        name=checked_name(draft["name"]),
        type=draft["type"],
        config="{}",
        created_at=at,
        updated_at=at,
    )
    world.claim(record)
    received(world, record, config)
    return _reply(world, world.save(None, with_config(world, record, config)), world.settings.create_status)


def fetch(world: World, request: Request) -> Reply:
    """Answer GET /api/credentials/{id}; a deleted one is shown with that status."""
    record = _visible(world, request)
    if not record.active and world.settings.deleted_get == HTTPStatus.NOT_FOUND:
        raise absent()
    return _reply(world, record, 200)


def update(world: World, request: Request) -> Reply:
    """Answer PUT /api/credentials/{id}: fields that are not sent stay as they are, unless it takes wholes."""
    record = _visible(world, request)
    if not record.active:
        raise conflict("credential_deleted", "The credential is deleted; restore it first.")
    draft = speaking(world.settings).credential_draft(request.tree())
    unchanged_type(draft, record)
    config = checked_config(draft.get("config", {}))
    world.claim(replace(record, name=name_of(draft, record)))
    received(world, record, config)
    world.between()
    if world.settings.credential_put == "ignore":
        return _reply(world, record, world.settings.update_status)
    after = replace(record, name=name_of(draft, record), updated_at=world.moment(record))
    if "config" in draft or world.settings.credential_put == "whole":
        after = put_config(world, after, config, world.settings.credential_put)
    return _reply(world, world.save(record, after), world.settings.update_status)


def delete(world: World, request: Request) -> Reply:
    """Answer DELETE /api/credentials/{id}: into the trash, used or not; once more changes nothing."""
    record = _visible(world, request)
    gone = world.trash(record) if record.active else record
    return Reply(world.settings.delete_status, speaking(world.settings).credential(gone_view(world, gone)))


def restore(world: World, request: Request) -> Reply:
    """Answer POST /api/credentials/{id}/restore; refused while another active one has the name."""
    record = _visible(world, request)
    back = record if record.active else world.revive(record)
    return Reply(HTTPStatus.OK, speaking(world.settings).credential(gone_view(world, back)))


def purge(world: World, request: Request) -> Reply:
    """Answer DELETE /api/credentials/{id}/permanent; there is no way back."""
    record = _visible(world, request)
    if record.active and world.settings.purge_needs_trash:
        raise conflict("credential_active", "Delete the credential before it is removed for good.")
    world.purge(record)
    tree = {"id": record.id, "purged": True}
    return Reply(world.settings.delete_status, speaking(world.settings).credential(tree))


def _visible(world: World, request: Request) -> Record:
    record = world.found(CREDENTIALS, request.organization, request.params["id"])
    refuse_hidden(world, record)
    return record


def refuse_hidden(world: World, record: Record) -> None:
    """Raise Problem for an object that the key's rights hide, as the settings say."""
    if (
        not {record.id, record.name} & set(world.settings.hidden)
        or world.settings.hidden_get == HTTPStatus.OK
    ):
        return
    if world.settings.hidden_get == HTTPStatus.FORBIDDEN:
        raise Problem(
            HTTPStatus.FORBIDDEN, "forbidden", "A resource policy keeps this object from the API key."
        )
    raise absent()


def _reply(world: World, record: Record, status: int) -> Reply:
    return Reply(status, speaking(world.settings).credential(credential_view(world, record)))
