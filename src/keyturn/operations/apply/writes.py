"""Create and update one object: re-read, record the intent, write, read back, compare, record the outcome."""

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.errors import Conflict, NotFound, ServiceError
from keyturn.client.records import ApiRecord
from keyturn.kinds import KINDS, ResourceKind
from keyturn.kinds.connection import CREDENTIAL_PATH
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import MISSING, Change, SecretStatus
from keyturn.model.clock import WaitInterruptedError, format_timestamp, may_be_same_time
from keyturn.model.fields import Fields, format_path, values_equal
from keyturn.model.resource import EMPTY, DesiredResource, Generation, LiveObject, StateEntry
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.read_back import (
    OTHER_OBJECT_MESSAGE,
    build_invisible_error,
    read_object,
    read_written_object,
    shows_former_state,
)
from keyturn.operations.observe import read_details
from keyturn.operations.plan.creation_evidence import CreationSearch, search_created
from keyturn.operations.state_entries import WriteMetadata, build_entry
from keyturn.planning.prediction import predict_replaced_fields
from keyturn.state.events import Intent

LOOKUP_DELAYS = (0.0, 2.0, 4.0, 8.0)
"""Seconds before each look-up of an object that a create may have made. Lists may lag by their sum."""

CONFLICT_DELAYS = LOOKUP_DELAYS[:2]
"""Seconds before each look-up after a create that was rejected because the name is taken."""

IGNORED_WRITE_MESSAGE = "the service confirmed the write but changed nothing"
KEPT_CREDENTIAL_MESSAGE = "the service confirmed the write but kept the credential: detach it in Planasonix"
KEPT_NAME_MESSAGE = "the service confirmed the write but kept the old name"


class WriteResult(Struct, frozen=True):
    """The state entry after a write, and warnings for the user."""

    entry: StateEntry
    warnings: tuple[str, ...] = ()


def create_object(change: Change, context: ApplyContext, generation: Generation | None = None) -> WriteResult:
    """Create an object; after a lost response, look it up before the request is sent again.

    ``generation`` is the role of an object that no manifest describes.
    """
    desired, kind = require_desired(change), KINDS[change.address.kind]
    body = kind.encode(desired, context.ids)
    intent = context.record_intent(change, "create", expect=desired.address.name, generation=generation)
    object_id, response = _create_once(intent, kind, body, context)
    if not context.claim_id(object_id):
        # An object that existed before is not the created one, whatever the response says.
        raise StaleObject(OTHER_OBJECT_MESSAGE)
    try:
        if response is None:
            # Found by look-up, without a response: write again, because the secrets may be incomplete.
            send_update_body(intent, kind, object_id, body, context)
        live = read_written_object(kind, object_id, context)
        reject_concurrent_edit(desired, response, live)
    except (ServiceError, StaleObject):
        # The next run finds the object by its ID, whatever its fields are then.
        context.record_created_id(intent, object_id)
        raise
    result = build_write_result(change, with_write_time(response, live), context)
    if generation:
        entry = replace(result.entry, generation=generation, protect=False)
        result = replace(result, entry=entry)
    context.ids[change.address] = object_id
    context.record_success(intent, result.entry)
    return result


def _create_once(
    intent: Intent, kind: ResourceKind, body: Mapping[str, object], context: ApplyContext
) -> tuple[str, ApiRecord | None]:
    found = CreationSearch()

    def is_unapplied(delays: tuple[float, ...] = LOOKUP_DELAYS) -> bool:
        nonlocal found
        try:
            found = find_created(intent, kind, context, delays)
        except (ServiceError, WaitInterruptedError):
            return False
        return found.is_empty

    try:
        created = context.run.service.create_record(kind.collection, body, is_unapplied=is_unapplied)
    except ServiceError as error:
        if isinstance(error, Conflict):
            # An earlier attempt, or a copy of this request, may have created the object and taken the name.
            is_unapplied(LOOKUP_DELAYS if error.may_be_applied else CONFLICT_DELAYS)
        if len(found.proven) == 1:
            return found.proven[0].id, None
        context.record_error(intent, error)
        raise
    return created.id, created


def find_created(
    intent: Intent, kind: ResourceKind, context: ApplyContext, delays: tuple[float, ...] = LOOKUP_DELAYS
) -> CreationSearch:
    """Return the objects that a create may have made; look up again after each of ``delays``.

    Raises WaitInterruptedError if the run is interrupted between two look-ups.
    """
    for delay in delays:
        if delay:
            context.run.sleep(delay)
        listed = map(kind.decode, context.run.service.list_records(kind.collection).records)
        with context.lock:
            taken = frozenset(context.taken_ids)
        found = search_created(intent, listed, taken, partial(read_details, context.run.service))
        if not found.is_empty:
            return found
    return CreationSearch()


def update_object(
    change: Change, context: ApplyContext, confirm: Callable[[Intent], None] = lambda _: None
) -> WriteResult:
    """Write all fields of an existing object; name, fields and secrets are one request.

    ``confirm`` is called before the write is recorded as done, and may raise.
    """
    desired, kind = require_desired(change), KINDS[change.address.kind]
    before = reread_object(change, kind, context)
    body = build_update_body(change, before, context)
    intent = context.record_intent(change, "update", object=before.id, expect=desired.address.name)

    def send_update() -> tuple[ApiRecord | None, LiveObject]:
        response = send_update_body(intent, kind, before.id, body, context)
        return response, _read_updated(change, before, response, context)

    response, live = send_update()
    reject_ignored_write(change, before, live)
    if desired.secrets and live.updated_at == before.updated_at:
        # The service may have ignored the secret: write it again.
        response, live = send_update()
    reject_concurrent_edit(desired, response, live)
    confirm(intent)
    result = build_write_result(change, with_write_time(response, live), context)
    if desired.secrets and live.updated_at == before.updated_at:
        warning = "no sign that the service stored the secret: updated_at did not change"
        result = replace(result, warnings=(*result.warnings, warning))
    context.ids[change.address] = before.id
    removed = (change.entry.address,) if change.entry and change.entry.address != change.address else ()
    context.record_success(intent, result.entry, removed)
    return result


def _read_updated(
    change: Change, before: LiveObject, response: ApiRecord | None, context: ApplyContext
) -> LiveObject:
    def is_former(live: LiveObject) -> bool:
        if response is None or not response.updated_at:
            return _is_ignored_write(change, before, live)
        return shows_former_state(live, before, response)

    kind = KINDS[change.address.kind]
    live = read_written_object(kind, before.id, context, is_former)
    if shows_former_state(live, before, response):
        raise build_invisible_error(kind, "the update is not visible yet")
    return live


def require_desired(change: Change) -> DesiredResource:
    """Return the manifest of a change; raises ValueError if it has none."""
    if change.desired is None:
        message = f"{change.action.value} without a manifest"
        raise ValueError(message)
    return change.desired


def send_update_body(
    intent: Intent, kind: ResourceKind, object_id: str, body: Mapping[str, object], context: ApplyContext
) -> ApiRecord | None:
    """Send the PUT of an intent; return the object in the response, None without one."""
    service = context.run.service
    return context.send_write(
        intent, lambda: service.update_record(kind.collection, object_id, body, idempotent=True)
    )


def reread_object(change: Change, kind: ResourceKind, context: ApplyContext) -> LiveObject:
    """Return the live object; raises StaleObject if it differs from the plan."""
    if change.live is None:
        message = f"{change.action.value} without a live object"
        raise ValueError(message)
    try:
        current = read_object(kind, change.live.id, context)
    except NotFound:
        if change.live.status == "deleted":
            # Some services list a deleted object but answer 404 to a read of it.
            return change.live
        raise StaleObject("it was deleted after the plan was made") from None
    if current.updated_at != change.expected_updated_at or current.status != change.live.status:
        edited = [
            format_path(path)
            for path in {**change.live.fields, **current.fields}
            if not values_equal(change.live.fields.get(path, MISSING), current.fields.get(path, MISSING))
        ]
        paths = f": {', '.join(sorted(edited))}" if edited and change.live.has_config else ""
        raise StaleObject(f"it was edited after the plan was made{paths}")
    return current


def build_update_body(change: Change, current: LiveObject, context: ApplyContext) -> dict[str, object]:
    """Return the body of a PUT: the manifest's fields, and for a connection the unmanaged live fields.

    A field that was removed from the manifest is left out. Raises StaleObject if the live object shows a
    mask or a secret: that value cannot be written back and would be lost.
    """
    desired, kind = require_desired(change), KINDS[change.address.kind]
    if change.address.kind == "credential":
        return kind.encode(_select_sent_fields(desired, change, context), context.ids)
    reject_masked(current)
    fields = merge_connection_fields(change, desired, current)
    return kind.encode(replace(desired, fields=fields), context.ids)


def _select_sent_fields(desired: DesiredResource, change: Change, context: ApplyContext) -> DesiredResource:
    if not desired.kept_secrets:
        return desired
    if context.run.workspace.put != "partial":
        kept = ", ".join(format_path(path) for path in desired.kept_secrets)
        raise StaleObject(
            f"`keep` of {kept} prevents a full write of the credential; set the secret in the manifest, "
            "or set `put: partial` in keyturn.yaml if this deployment merges a PUT"
        )
    return desired if change.fields else replace(desired, fields={})


def reject_masked(live: LiveObject) -> None:
    """Raise StaleObject if the live object shows a mask or a secret, which cannot be written back."""
    if live.secret_like_paths:
        paths = ", ".join(format_path(path) for path in live.secret_like_paths)
        raise StaleObject(f"the service shows a mask or a secret at {paths}; it must not be written back")


def merge_connection_fields(change: Change, desired: DesiredResource, current: LiveObject) -> Fields:
    """Return the fields of a connection after the change: the manifest's and the unmanaged live ones."""
    fields = predict_replaced_fields(change, current.fields, desired.fields)
    # A PUT leaves a credential attached if the request omits it.
    is_detached = CREDENTIAL_PATH in current.fields and CREDENTIAL_PATH not in fields
    return {**fields, CREDENTIAL_PATH: None} if is_detached else fields


def desired_from_live(live: LiveObject) -> DesiredResource:
    """Return a live connection as a manifest, to write it back; raises StaleObject if it shows a mask."""
    reject_masked(live)
    return DesiredResource(
        address=live.address,
        type=live.type,
        fields=live.fields,
        secrets={},
        ciphertext_digests={},
        digest="",
        origin=SourceLocation("workspace"),
    )


def reject_ignored_write(change: Change, before: LiveObject, live: LiveObject) -> None:
    """Raise StaleObject if the service confirmed a write but neither fields, name nor time changed."""
    kept_name = before.address != change.address and live.address == before.address
    if kept_name or _is_ignored_write(change, before, live):
        raise StaleObject(IGNORED_WRITE_MESSAGE)
    is_detached = any(each.path == CREDENTIAL_PATH and each.desired == MISSING for each in change.fields)
    if is_detached and CREDENTIAL_PATH in live.fields:
        raise StaleObject(KEPT_CREDENTIAL_MESSAGE)


def _is_ignored_write(change: Change, before: LiveObject, live: LiveObject) -> bool:
    requested = [
        field
        for field in change.fields
        if not values_equal(before.fields.get(field.path, MISSING), field.desired)
    ]
    is_unchanged = all(live.fields.get(field.path) == before.fields.get(field.path) for field in requested)
    # A write that repeats a lost one may change nothing; an entry without a digest is such a case.
    is_rotation = bool(change.entry and change.entry.digest) and any(
        secret.status in {SecretStatus.ROTATED, SecretStatus.REUSED} for secret in change.secrets
    )
    return live.updated_at == before.updated_at and is_unchanged and bool(requested or is_rotation)


def reject_concurrent_edit(desired: DesiredResource, response: ApiRecord | None, live: LiveObject) -> None:
    """Raise StaleObject if the object read back differs from the response to the write."""
    if response is None or response.config is None:
        return
    written = KINDS[desired.address.kind].decode(response).fields
    edited = [
        format_path(path)
        for path in desired.fields
        if path in written and path in live.fields and not values_equal(written[path], live.fields[path])
    ]
    if edited:
        raise StaleObject(f"it was edited during the write: {', '.join(sorted(edited))}")


def with_write_time(response: ApiRecord | None, live: LiveObject) -> LiveObject:
    """Return the object read back with the ``updated_at`` of the response to our write.

    A later ``updated_at`` belongs to an edit by somebody else. For an edit of a secret it is the only
    sign, so the state must not record it as our own.
    """
    if response is None or not response.updated_at or may_be_same_time(response.updated_at, live.updated_at):
        return live
    return replace(live, updated_at=response.updated_at)


def build_write_result(change: Change, live: LiveObject, context: ApplyContext) -> WriteResult:
    """Return the new state entry, with a warning for each field that the service stored differently."""
    desired = require_desired(change)
    metadata = WriteMetadata(
        written_at=format_timestamp(context.run.clock.now()),
        commit=context.run.actor.commit,
        destinations=context.destinations.get(desired.address, ()),
        judged=change.live.fields if change.live else EMPTY,
    )
    entry = build_entry(desired, live, change.entry, context.fingerprint_secrets(desired), metadata)
    return WriteResult(entry, tuple(_describe_normalized_fields(desired, live, context)))


def _describe_normalized_fields(
    desired: DesiredResource, live: LiveObject, context: ApplyContext
) -> list[str]:
    if desired.kept_secrets:
        return []
    warnings = []
    for path, leaf in desired.fields.items():
        expected = context.ids.get(leaf, "") if isinstance(leaf, Address) else leaf
        if path in live.fields and not values_equal(live.fields[path], expected):
            warnings.append(f"the service normalizes {format_path(path)}")
    return warnings
