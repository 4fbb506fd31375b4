"""Retire, restore, replace and forget objects."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.errors import NotFound, ServiceError
from keyturn.kinds import KINDS
from keyturn.model.address import Address
from keyturn.model.change import Action, Change, OutcomeStatus
from keyturn.model.clock import format_timestamp
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import format_path
from keyturn.model.resource import DesiredResource, Generation, GenerationRole, LiveObject, StateEntry
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.read_back import is_still_live, read_object, read_written_object
from keyturn.operations.apply.rollback import read_applied_manifest
from keyturn.operations.apply.writes import (
    KEPT_NAME_MESSAGE,
    WriteResult,
    create_object,
    desired_from_live,
    reread_object,
    send_update_body,
    update_object,
)
from keyturn.operations.state_entries import mark_uncertain
from keyturn.state.events import Intent, OutcomeRecorded


class RenamedObject(Struct, frozen=True):
    """An object after a rename, with the open intent of the rename."""

    intent: Intent
    live: LiveObject
    warnings: tuple[str, ...] = ()


def rename_away(
    change: Change, current: LiveObject, new_address: Address, context: ApplyContext
) -> RenamedObject:
    """Rename an object so that its name becomes available; all other fields stay. Raises StaleObject.

    Sends the full body, because a PUT with replace semantics drops omitted fields. For a credential
    whose secrets are not in git only the name is sent; a field lost by that is a warning.
    """
    kind = KINDS[new_address.kind]
    content = _read_full_content(change, current, context)
    if content:
        body = kind.encode(replace(content, address=new_address), context.ids)
    else:
        body = {"name": new_address.name}
    intent = context.record_intent(change, "update", object=current.id, expect=new_address.name)
    send_update_body(intent, kind, current.id, body, context)
    live = read_written_object(
        kind, current.id, context, lambda live: live.address == current.address != new_address
    )
    if live.address != new_address:
        raise StaleObject(KEPT_NAME_MESSAGE)
    lost = [] if content else sorted(format_path(path) for path in current.fields if path not in live.fields)
    warnings = (f"the rename to {new_address} removed {', '.join(lost)}",) if lost else ()
    return RenamedObject(intent, live, warnings)


def _read_full_content(change: Change, current: LiveObject, context: ApplyContext) -> DesiredResource | None:
    if current.address.kind == "connection":
        return desired_from_live(current)
    if context.run.workspace.put == "partial":
        return None
    try:
        return read_applied_manifest(change, context)
    except DiagnosticError:
        return None


def retire_object(change: Change, context: ApplyContext) -> WriteResult:
    """Soft-delete an object that nothing uses; the state keeps a tombstone."""
    kind, entry = KINDS[change.address.kind], _require_entry(change)
    current = reread_object(change, kind, context)
    _reject_used(current, context)
    intent = context.record_intent(change, "retire", object=current.id)
    service = context.run.service
    context.send_write(
        intent,
        lambda: _ignore_missing(lambda: service.retire_record(kind.collection, current.id, idempotent=True)),
    )
    if is_still_live(kind, current.id, context):
        raise StaleObject("the service confirmed the deletion but the object still exists")
    tombstone = replace(entry, retired_at=format_timestamp(context.run.clock.now()), protect=False)
    context.record_success(intent, tombstone)
    return WriteResult(tombstone)


def _require_entry(change: Change) -> StateEntry:
    if change.entry is None:
        message = f"{change.action.value} without a state entry"
        raise ValueError(message)
    return change.entry


def _ignore_missing(send: Callable[[], None]) -> None:
    with suppress(NotFound):
        send()


def _reject_used(current: LiveObject, context: ApplyContext) -> None:
    if current.address.kind != "credential":
        return
    users = sorted(
        str(connection.address)
        for connection in _read_possible_users(current, context)
        if current.id in connection.fields.values()
    )
    if users:
        raise StaleObject(f"it is used by {', '.join(users)}")


def _read_possible_users(credential: LiveObject, context: ApplyContext) -> Iterator[LiveObject]:
    # A list may lag behind the writes of this run, so each possible user is read by ID.
    kind = KINDS["connection"]
    listed = map(kind.decode, context.run.service.list_records(kind.collection).records)
    ids = {connection.id for connection in listed if credential.id in connection.fields.values()}
    ids |= {
        entry.id
        for entry in list(context.entries.values())
        if entry.address.kind == kind.name
        and credential.id in entry.observed.values()
        and not entry.retired_at
    }
    for object_id in sorted(ids):
        with suppress(NotFound):
            yield read_object(kind, object_id, context)


def restore_object(change: Change, context: ApplyContext) -> WriteResult:
    """Restore a soft-deleted object, then write it in full at once.

    A restored object has the secret and the host that it had when it was deleted.
    """
    kind = KINDS[change.address.kind]
    current = reread_object(change, kind, context)
    intent = context.record_intent(change, "restore", object=current.id)
    if current.status == "deleted":
        context.send_write(
            intent, lambda: context.run.service.restore_credential(current.id, idempotent=True)
        )
    live = read_written_object(kind, current.id, context, lambda live: live.status == "deleted")
    if live.status == "deleted":
        raise StaleObject("the service confirmed the restore but the object is still deleted")
    if change.entry:
        # The content is uncertain until the object is written.
        context.record_success(intent, replace(mark_uncertain(change.entry), retired_at="", generation=None))
    return update_object(replace(change, live=live), context)


def replace_object(change: Change, context: ApplyContext) -> WriteResult:
    """Rename the old object, then create a new one under its name.

    Connections are repointed by their own changes. The old object is retired at the end of this apply,
    or by the next apply if this one is interrupted: the state has it as a predecessor without a date.
    """
    kind, entry = KINDS[change.address.kind], _require_entry(change)
    current = reread_object(change, kind, context)
    # The name is for readers: the state says that the object was replaced.
    name = f"{change.address.name}-retiring-{context.run.new_id()[:6]}"
    old_address = Address(change.address.kind, name)
    renamed = rename_away(change, current, old_address, context)
    replaced = replace(
        entry,
        address=old_address,
        updated_at=renamed.live.updated_at,
        protect=False,
        generation=Generation(role=GenerationRole.PREDECESSOR, resource=change.address.name),
    )
    context.record_success(renamed.intent, replaced, (entry.address,))
    result = create_object(replace(change, entry=None, live=None), context)
    return replace(result, warnings=(*renamed.warnings, *result.warnings))


def forget_entry(change: Change, context: ApplyContext) -> WriteResult:
    """Remove the entry from the state; nothing is sent."""
    entry = _require_entry(change)
    context.journal.append(
        OutcomeRecorded(
            intent="",
            address=change.address,
            action=change.action.value,
            outcome_status=OutcomeStatus.DONE,
            removed=(entry.address,),
        )
    )
    return WriteResult(entry)


def build_pending_retirements(
    entries: Iterable[StateEntry], declared: Collection[Address], context: ApplyContext
) -> tuple[Change, ...]:
    """Return changes that retire replaced objects and successors of interrupted rotations.

    The state says which objects these are. A resource in ``declared`` has a manifest: it is not retired.
    """
    pending = sorted(
        (
            entry
            for entry in entries
            if _is_to_retire(entry) and not (entry.protect or entry.address in declared)
        ),
        key=lambda entry: entry.address,
    )
    return tuple(
        Change(
            action=Action.RETIRE,
            address=entry.address,
            entry=entry,
            live=live,
            reason="replaced by another object",
        )
        for entry in pending
        if (live := _read_if_live(entry, context))
    )


def _is_to_retire(entry: StateEntry) -> bool:
    return entry.generation is not None and not (entry.retired_at or entry.generation.retires_on)


def _read_if_live(entry: StateEntry, context: ApplyContext) -> LiveObject | None:
    try:
        return read_object(KINDS[entry.address.kind], entry.id, context)
    except (ServiceError, StaleObject):
        return None
