"""How objects go and come back: retire, restore, replace, forget."""

from collections.abc import Callable, Iterable, Iterator
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
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.rollback import previously_applied
from keyturn.operations.state_entries import mark_uncertain
from keyturn.operations.apply.writes import (
    WriteResult,
    create_object,
    desired_from_live,
    read_object,
    reread_object,
    update_object,
)
from keyturn.planning.scope import SUCCESSOR_INFIX
from keyturn.state.events import Intent, OutcomeRecorded


class RenamedObject(Struct, frozen=True):
    """An object that was moved and read back, with the intent that is still to be ended."""

    intent: Intent
    live: LiveObject
    warnings: tuple[str, ...] = ()


def rename_away(change: Change, now: LiveObject, aside: Address, context: ApplyContext) -> RenamedObject:
    """Give ``now`` the name of ``aside`` and leave all else as it is; raises Stale.

    A credential whose secrets git no longer holds is sent its name alone; what is seen to be lost
    by that is a warning.
    """
    kind = KINDS[aside.kind]
    whole = _full_content(change, now, context)
    body = kind.encode(replace(whole, address=aside), context.ids) if whole else {"name": aside.name}
    intent = context.record_intent(change, "update", object=now.id, expect=aside.name)
    service = context.run.service
    context.send_write(intent, lambda: service.update_record(kind.collection, now.id, body, idempotent=True))
    live = read_object(kind, now.id, context)
    if live.address != aside:
        raise StaleObject("the service answered yes and kept the name")
    lost = (
        sorted(format_path(path) for path in now.fields if path not in live.fields) if whole is None else []
    )
    return RenamedObject(
        intent, live, (f"{', '.join(lost)} of {aside} is gone since it has this name",) * bool(lost)
    )


def _full_content(change: Change, now: LiveObject, context: ApplyContext) -> DesiredResource | None:
    if now.address.kind == "connection":
        return desired_from_live(now)
    return None if context.run.workspace.put == "partial" else _read_committed(change, context)


def _read_committed(change: Change, context: ApplyContext) -> DesiredResource | None:
    try:
        return previously_applied(change, context)
    except DiagnosticError:
        return None


RETIRING_INFIX = "-retiring-"
"""What stands between the name and a random tail of an object that another one replaces."""


def retire_object(change: Change, context: ApplyContext) -> WriteResult:
    """Soft-delete an object that nothing uses any more; the state keeps a tombstone."""
    kind, known = KINDS[change.address.kind], _require_entry(change)
    now = reread_object(change, kind, context)
    _reject_used(now, context)
    intent = context.record_intent(change, "retire", object=now.id)
    service = context.run.service
    context.send_write(
        intent,
        lambda: _ignore_missing(lambda: service.retire_record(kind.collection, now.id, idempotent=True)),
    )
    if _is_still_live(now, context):
        raise StaleObject("the service answered yes, and the object is still there")
    tombstone = replace(known, retired_at=format_timestamp(context.run.clock.now()), protect=False)
    context.record_success(intent, tombstone)
    return WriteResult(tombstone)


def _require_entry(change: Change) -> StateEntry:
    if change.entry is None:
        message = f"{change.action.value} of what is not in the state"
        raise ValueError(message)
    return change.entry


def _ignore_missing(send: Callable[[], None]) -> None:
    try:
        send()
    except NotFound:
        return


def _reject_used(now: LiveObject, context: ApplyContext) -> None:
    if now.address.kind != "credential":
        return
    users = sorted(str(each.address) for each in _read_users(now, context) if now.id in each.fields.values())
    if users:
        raise StaleObject(f"it is used by {', '.join(users)}")


def _read_users(now: LiveObject, context: ApplyContext) -> Iterator[LiveObject]:
    # A list may lag behind what this very run has written, in both directions: each one is asked.
    kind = KINDS["connection"]
    listed = map(kind.decode, context.run.service.list_records(kind.collection).records)
    ids = {each.id for each in listed if now.id in each.fields.values()}
    ours = [known for known in list(context.entries.values()) if known.address.kind == kind.name]
    ids |= {known.id for known in ours if now.id in known.observed.values() and not known.retired_at}
    for identity in sorted(ids):
        with suppress(NotFound):
            yield read_object(kind, identity, context)


def _is_still_live(now: LiveObject, context: ApplyContext) -> bool:
    try:
        return read_object(KINDS[now.address.kind], now.id, context).status != "deleted"
    except NotFound:
        return False


def restore_object(change: Change, context: ApplyContext) -> WriteResult:
    """Bring an object back from the trash and write it in full at once.

    What comes back holds the secret and the host of the day on which it went.
    """
    kind = KINDS[change.address.kind]
    now = reread_object(change, kind, context)
    intent = context.record_intent(change, "restore", object=now.id)
    if now.status == "deleted":
        context.send_write(intent, lambda: context.run.service.restore_credential(now.id, idempotent=True))
    back = read_object(kind, now.id, context)
    if back.status == "deleted":
        raise StaleObject("the service answered yes, and the object is still in the trash")
    if change.entry:
        # Until it is written, nothing of its content is certain.
        context.record_success(intent, replace(mark_uncertain(change.entry), retired_at=""))
    return update_object(replace(change, live=back), context)


def replace_object(change: Change, context: ApplyContext) -> WriteResult:
    """Give the name to a new object, after the old one was moved aside under a name of its own.

    Connections are repointed by changes of their own; then the old one is retired, by this apply
    or, if it is cut off, by the next: the state holds it as an entry without a manifest.
    """
    kind, known = KINDS[change.address.kind], _require_entry(change)
    now = reread_object(change, kind, context)
    aside = Address(change.address.kind, f"{change.address.name}{RETIRING_INFIX}{context.run.new_id()[:6]}")
    moved = rename_away(change, now, aside, context)
    context.record_success(
        moved.intent,
        replace(known, address=aside, updated_at=moved.live.updated_at, protect=False),
        (known.address,),
    )
    done = create_object(replace(change, entry=None, live=None), context)
    return replace(done, warnings=(*moved.warnings, *done.warnings))


def forget_entry(change: Change, context: ApplyContext) -> WriteResult:
    """Let the state's entry go; nothing is sent."""
    known = _require_entry(change)
    context.journal.append(_build_forget_event(change, removed=(known.address,)))
    return WriteResult(known)


def _build_forget_event(change: Change, removed: tuple[Address, ...]) -> OutcomeRecorded:
    return OutcomeRecorded(
        intent="",
        address=change.address,
        action=change.action.value,
        outcome_status=OutcomeStatus.DONE,
        removed=removed,
    )


def pending_retirements(entries: Iterable[StateEntry], context: ApplyContext) -> tuple[Change, ...]:
    """Return the retirements of objects that were moved aside, or never came to take over."""
    left = sorted(
        (each for each in entries if _is_renamed_away(each.address.name) and not each.retired_at),
        key=lambda each: each.address,
    )
    return tuple(
        Change(
            action=Action.RETIRE,
            address=known.address,
            entry=known,
            live=live,
            reason="another object has its name",
        )
        for known in left
        if (live := _read_if_live(known, context))
    )


def _is_renamed_away(name: str) -> bool:
    return RETIRING_INFIX in name or SUCCESSOR_INFIX in name


def _read_if_live(entry: StateEntry, context: ApplyContext) -> LiveObject | None:
    try:
        return read_object(KINDS[entry.address.kind], entry.id, context)
    except (ServiceError, StaleObject):
        return None
