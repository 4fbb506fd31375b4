"""How one change is made: re-read, intend, write, read back, test, record."""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.errors import Conflict, NotFound, ServiceError
from keyturn.client.records import ApiRecord
from keyturn.kinds import KINDS, ResourceKind
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import MISSING, Change, OutcomeStatus, SecretStatus
from keyturn.model.clock import format_timestamp
from keyturn.model.fields import Fields, format_path, values_equal
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.state_entries import WriteMetadata, build_entry
from keyturn.operations.plan.recovery import matching_creates
from keyturn.state.events import Intent

LOOKUP_DELAYS = (0.0, 2.0, 4.0, 8.0)
"""Seconds before each look for what a lost create may have made: lists may lag behind by their sum."""

OTHER_OBJECT_MESSAGE = "the service answered with another object"

_SECONDS_LENGTH = len("2026-01-01T00:00:00")


class WriteResult(Struct, frozen=True):
    """The entry that a write led to, and what is worth saying of it."""

    entry: StateEntry
    warnings: tuple[str, ...] = ()


def create_object(change: Change, context: ApplyContext) -> WriteResult:
    """Make a new object; one whose answer was lost is looked for before it is made again."""
    desired, kind = _require_desired(change), KINDS[change.address.kind]
    body = kind.encode(desired, context.ids)
    intent = context.record_intent(change, "create", expect=desired.address.name)
    identity, answer = _create_once(intent, kind, body, context)
    if not context.claim_id(identity):
        # What was there before was not made now, whatever the answer says: it may be anybody's.
        raise StaleObject(OTHER_OBJECT_MESSAGE)
    if answer is None:
        # It was found, not answered for: whether the secrets arrived whole is not known.
        service = context.run.service
        context.send_write(
            intent, lambda: service.update_record(kind.collection, identity, body, idempotent=True)
        )
    back = read_object(kind, identity, context)
    reject_concurrent_edit(desired, answer, back)
    done = build_write_result(change, with_write_time(answer, back), context)
    context.ids[change.address] = identity
    context.record_success(intent, done.entry)
    return done


def _create_once(
    intent: Intent, kind: ResourceKind, body: Mapping[str, object], desk: ApplyContext
) -> tuple[str, ApiRecord | None]:
    found: tuple[LiveObject, ...] = ()

    def is_unapplied() -> bool:
        nonlocal found
        try:
            found = find_created(intent, kind, desk)
        except ServiceError:
            return False
        return not found

    try:
        made = desk.run.service.create_record(kind.collection, body, is_unapplied=is_unapplied)
    except ServiceError as error:
        if isinstance(error, Conflict) and error.may_be_applied:
            # An earlier attempt probably took the name.
            is_unapplied()
        if len(found) == 1:
            return found[0].id, None
        desk.record_failure(
            intent,
            OutcomeStatus.UNKNOWN if error.may_be_applied else OutcomeStatus.FAILED,
            error.request_line,
        )
        raise
    return made.id, made


def find_created(intent: Intent, kind: ResourceKind, context: ApplyContext) -> tuple[LiveObject, ...]:
    """Return the objects that a create may have made: look, wait a grace, look again."""
    for pause in LOOKUP_DELAYS:
        if pause:
            context.run.sleep(pause)
        listed = map(kind.decode, context.run.service.list_records(kind.collection).records)
        with context.lock:
            taken = frozenset(context.taken_ids)
        found = matching_creates(intent, (each for each in listed if each.status != "deleted"), taken)
        if found:
            return found
    return ()


def update_object(
    change: Change, context: ApplyContext, confirm: Callable[[Intent], None] = lambda _: None
) -> WriteResult:
    """Write an object that exists in full; a rename, new fields and new secrets are one request.

    ``confirm`` is asked before the write counts as done, and may raise.
    """
    desired, kind = _require_desired(change), KINDS[change.address.kind]
    now = reread_object(change, kind, context)
    body = build_update_body(change, now, context)
    intent = context.record_intent(change, "update", object=now.id, expect=desired.address.name)

    def send_update() -> tuple[ApiRecord | None, LiveObject]:
        service = context.run.service
        answer = context.send_write(
            intent, lambda: service.update_record(kind.collection, now.id, body, idempotent=True)
        )
        return answer, read_object(kind, now.id, context)

    answer, back = send_update()
    reject_ignored_write(change, now, back)
    if desired.secrets and back.updated_at == now.updated_at:
        # Whether the secret was taken does not show, and doubt about one means to write it again.
        answer, back = send_update()
    reject_concurrent_edit(desired, answer, back)
    confirm(intent)
    done = build_write_result(change, with_write_time(answer, back), context)
    if desired.secrets and back.updated_at == now.updated_at:
        done = replace(done, warnings=(*done.warnings, "the service shows no sign that it took the secret"))
    context.ids[change.address] = now.id
    gone = (change.entry.address,) if change.entry and change.entry.address != change.address else ()
    context.record_success(intent, done.entry, gone)
    return done


def _require_desired(change: Change) -> DesiredResource:
    if change.desired is None:
        message = f"{change.action.value} without a manifest"
        raise ValueError(message)
    return change.desired


def reread_object(change: Change, kind: ResourceKind, context: ApplyContext) -> LiveObject:
    """Return the live object if it is still as the plan saw it; raises Stale."""
    if change.live is None:
        message = f"{change.action.value} without a live object"
        raise ValueError(message)
    try:
        now = read_object(kind, change.live.id, context)
    except NotFound:
        if change.live.status == "deleted":
            # A service may list what is in the trash and not show it on its own.
            return change.live
        raise StaleObject("it is gone since the plan was made") from None
    if now.updated_at != change.expected_updated_at or now.status != change.live.status:
        moved = [
            format_path(path)
            for path in {**change.live.fields, **now.fields}
            if not values_equal(change.live.fields.get(path, MISSING), now.fields.get(path, MISSING))
        ]
        told = f": {', '.join(sorted(moved))}" if moved and change.live.has_config else ""
        raise StaleObject(f"it was edited since the plan was made{told}")
    return now


def read_object(kind: ResourceKind, identity: str, context: ApplyContext) -> LiveObject:
    """Return an object as it is now; raises the client's errors, and Stale for another object."""
    back = kind.decode(context.run.service.read_record(kind.collection, identity))
    if back.id != identity:
        raise StaleObject(OTHER_OBJECT_MESSAGE)
    return back


def build_update_body(change: Change, now: LiveObject, context: ApplyContext) -> dict[str, object]:
    """Return the full body of an update: what git states, on top of what others own in a connection.

    A field that git dropped is left out. Raises Stale where the live object holds a mask or a
    secret in plain view: what cannot be written back would be lost.
    """
    desired, kind = _require_desired(change), KINDS[change.address.kind]
    if change.address.kind == "credential":
        return kind.encode(_build_partial_update(desired, change, context), context.ids)
    reject_masked(now)
    return kind.encode(replace(desired, fields=merge_connection_fields(change, desired, now)), context.ids)


def reject_masked(now: LiveObject) -> None:
    """Raise Stale where what is live cannot be written back: a mask, or a secret in plain view."""
    if now.secret_like_paths:
        shown = ", ".join(format_path(path) for path in now.secret_like_paths)
        raise StaleObject(f"the service shows a mask or a secret at {shown}, which must not be written back")


def merge_connection_fields(change: Change, desired: DesiredResource, now: LiveObject) -> Fields:
    """Return the fields of a connection once the change is made: what git states, and what others own."""
    dropped = {field.path for field in change.fields if field.desired == MISSING}
    others = {path: leaf for path, leaf in now.fields.items() if path not in dropped}
    return merge_fields(others, desired.fields)


def desired_from_live(now: LiveObject) -> DesiredResource:
    """Return a live connection as if a manifest had said it, to be written back; raises Stale."""
    reject_masked(now)
    return DesiredResource(
        address=now.address,
        type=now.type,
        fields=now.fields,
        secrets={},
        ciphertext_digests={},
        digest="",
        origin=SourceLocation("workspace"),
    )


def merge_fields(others: Fields, ours: Fields) -> Fields:
    """Return both sets of fields; ours win, and take the place of what stood above or below them."""
    clear = {
        path: leaf for path, leaf in others.items() if not any(_has_common_prefix(path, own) for own in ours)
    }
    return {**clear, **ours}


def _has_common_prefix(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _build_partial_update(desired: DesiredResource, change: Change, context: ApplyContext) -> DesiredResource:
    if not desired.kept_secrets:
        return desired
    if context.run.workspace.put != "partial":
        kept = ", ".join(format_path(path) for path in desired.kept_secrets)
        raise StaleObject(
            f"{kept} is kept live, so the credential cannot be written in full; set it in git, "
            "or say `put: partial` in keyturn.yaml if this deployment merges what it is sent"
        )
    return desired if change.fields else replace(desired, fields={})


def reject_ignored_write(change: Change, before: LiveObject, back: LiveObject) -> None:
    """Raise Stale where the service said yes and did nothing: no field, no name and no time moved."""
    asked = [
        field
        for field in change.fields
        if not values_equal(before.fields.get(field.path, MISSING), field.desired)
    ]
    unmoved = all(back.fields.get(field.path) == before.fields.get(field.path) for field in asked)
    # A write that repeats a lost one may well change nothing; one that follows a certain state may not.
    turned = bool(change.entry and change.entry.digest) and any(
        secret.status in {SecretStatus.ROTATED, SecretStatus.REUSED} for secret in change.secrets
    )
    named = before.address != change.address and back.address == before.address
    silent = back.updated_at == before.updated_at and unmoved and bool(asked or turned)
    if named or silent:
        raise StaleObject("the service answered yes and changed nothing")


def reject_concurrent_edit(desired: DesiredResource, answer: ApiRecord | None, back: LiveObject) -> None:
    """Raise Stale where an object reads otherwise than the answer to our write showed it."""
    if answer is None or answer.config is None:
        return
    shown = KINDS[desired.address.kind].decode(answer).fields
    moved = [
        format_path(path)
        for path in desired.fields
        if path in shown and path in back.fields and not values_equal(shown[path], back.fields[path])
    ]
    if moved:
        raise StaleObject(f"somebody edited it while it was written: {', '.join(sorted(moved))}")


def with_write_time(answer: ApiRecord | None, back: LiveObject) -> LiveObject:
    """Return what was read back as of our own write, which the answer to it dates.

    A later time is somebody else's: a secret that was set by hand in between shows nothing but that.
    """
    if answer is None or not answer.updated_at or _is_same_time(answer.updated_at, back.updated_at):
        return back
    return replace(back, updated_at=answer.updated_at)


def _is_same_time(one: str, other: str) -> bool:
    # Two places of a service may write a time at two precisions.
    return one == other or (len(one) != len(other) and one[:_SECONDS_LENGTH] == other[:_SECONDS_LENGTH])


def build_write_result(change: Change, back: LiveObject, context: ApplyContext) -> WriteResult:
    """Return the entry for what was written, with a warning for each field that reads differently."""
    desired = _require_desired(change)
    when = WriteMetadata(
        written_at=format_timestamp(context.run.clock.now()),
        commit=context.run.actor.commit,
        destinations=context.destinations.get(desired.address, ()),
    )
    made = build_entry(desired, back, change.entry, context.fingerprint_secrets(desired), when)
    return WriteResult(made, tuple(_describe_normalized_fields(desired, back, context)))


def _describe_normalized_fields(
    desired: DesiredResource, back: LiveObject, context: ApplyContext
) -> list[str]:
    if desired.kept_secrets:
        return []
    found = []
    for path, leaf in desired.fields.items():
        wanted = context.ids.get(leaf, "") if isinstance(leaf, Address) else leaf
        if path in back.fields and not values_equal(back.fields[path], wanted):
            found.append(f"the service keeps {format_path(path)} in a form of its own")
    return found
