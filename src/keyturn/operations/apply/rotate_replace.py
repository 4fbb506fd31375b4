"""Rotation by replacement: create a successor and repoint the connections to it one by one.

The state records the successor, and the old credential with its retirement date; the first apply after
that day retires it. If a step fails, every connection is repointed to the old credential.
"""

from collections.abc import Collection
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.errors import ServiceError
from keyturn.kinds import KINDS
from keyturn.model.address import Address
from keyturn.model.change import MISSING, Change
from keyturn.model.fields import Leaf, has_any_text, is_any_text, values_equal
from keyturn.model.resource import DesiredResource, Generation, GenerationRole, LiveObject, StateEntry
from keyturn.operations.apply.connection_tests import (
    ConnectionTest,
    ConnectionTestVerdict,
    list_unfinished_successors,
    run_connection_tests,
)
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.lifecycle import rename_away
from keyturn.operations.apply.read_back import read_object, read_written_object
from keyturn.operations.apply.writes import (
    IGNORED_WRITE_MESSAGE,
    KEPT_NAME_MESSAGE,
    WriteResult,
    build_write_result,
    create_object,
    desired_from_live,
    reject_concurrent_edit,
    require_desired,
    reread_object,
    send_update_body,
    with_write_time,
)


class Replacement(Struct, frozen=True, kw_only=True):
    """A replacement of a credential.

    ``successor`` is the state entry of the new object. ``former_ids`` are the IDs of the old object and
    of unfinished successors; connections may use any of them.
    """

    change: Change
    desired: DesiredResource
    old_object: LiveObject
    successor: StateEntry
    former_ids: frozenset[str]

    @property
    def new_id(self) -> str:
        """The ID of the new object."""
        return self.successor.id


def replace_credential(
    change: Change, connection_tests: list[ConnectionTest], context: ApplyContext
) -> tuple[WriteResult | None, list[ConnectionTestVerdict]]:
    """Replace a credential; return the result, or None and the verdicts of the failed tests.

    Continues with a matching successor of an interrupted replacement. If a test fails, nothing uses
    the successor and it is retired.
    """
    replacement = _prepare_replacement(change, require_desired(change), context)
    substitutes = dict.fromkeys(replacement.former_ids, replacement.new_id)
    verdicts = run_connection_tests(connection_tests, context, substitutes)
    if all(verdict.passed for verdict in verdicts):
        verdicts = _repoint_connections(replacement, connection_tests, context)
    if not all(verdict.passed for verdict in verdicts):
        _retire_successor(replacement, context)
        return None, verdicts
    return _promote_successor(replacement, context), verdicts


def _prepare_replacement(change: Change, desired: DesiredResource, context: ApplyContext) -> Replacement:
    old_object = reread_object(change, KINDS["credential"], context)
    unfinished = list_unfinished_successors(old_object.id, context)
    successor = _find_reusable_successor(unfinished, desired, context) or _create_successor(
        change, desired, old_object, context
    )
    return Replacement(
        change=change,
        desired=desired,
        old_object=old_object,
        successor=successor,
        former_ids=frozenset({old_object.id, *(entry.id for entry in unfinished)} - {successor.id}),
    )


def _find_reusable_successor(
    unfinished: tuple[StateEntry, ...], desired: DesiredResource, context: ApplyContext
) -> StateEntry | None:
    for entry in unfinished:
        expected = replace(desired, address=entry.address)
        if entry.applied == desired.fields and entry.fingerprints == context.fingerprint_secrets(expected):
            return entry
    return None


def _create_successor(
    change: Change, desired: DesiredResource, old_object: LiveObject, context: ApplyContext
) -> StateEntry:
    # The name is for readers: the state says which object this is.
    address = Address("credential", f"{change.address.name}-next-{context.run.new_id()[:6]}")
    generation = Generation(
        role=GenerationRole.SUCCESSOR, resource=change.address.name, replaces=old_object.id
    )
    creation = replace(
        change, address=address, desired=replace(desired, address=address), entry=None, live=None
    )
    return create_object(creation, context, generation).entry


def _repoint_connections(
    replacement: Replacement, connection_tests: list[ConnectionTest], context: ApplyContext
) -> list[ConnectionTestVerdict]:
    repointed: list[ConnectionTest] = []
    for connection_test in connection_tests:
        if _has_own_change(replacement, connection_test, context):
            continue
        repointed.append(connection_test)
        verdict = _repoint_and_test(replacement, connection_test, context)
        if not verdict.passed:
            for earlier in reversed(repointed):
                _repoint_connection(
                    replacement, earlier.id, {replacement.new_id}, replacement.old_object.id, context
                )
            return [verdict]
    return []


def _has_own_change(replacement: Replacement, connection_test: ConnectionTest, context: ApplyContext) -> bool:
    # Skip connections that this plan updates after the credential, moves to another credential, or
    # retires: their own change writes the reference. Connections already updated are repointed here.
    own_change, address = context.changes.get(connection_test.id), replacement.change.address
    if own_change is None:
        return False
    return (
        own_change.desired is None
        or address in own_change.depends_on
        or address not in own_change.desired.fields.values()
    )


def _repoint_and_test(
    replacement: Replacement, connection_test: ConnectionTest, context: ApplyContext
) -> ConnectionTestVerdict:
    former_ids, new_id = replacement.former_ids, replacement.new_id
    try:
        _repoint_connection(replacement, connection_test.id, former_ids, new_id, context)
    except (ServiceError, StaleObject) as error:
        return ConnectionTestVerdict(address=connection_test.address, passed=False, message=str(error))
    (verdict,) = run_connection_tests([connection_test], context, dict.fromkeys(former_ids, new_id))
    return verdict


def _repoint_connection(
    replacement: Replacement,
    connection_id: str,
    former_ids: Collection[str],
    new_id: str,
    context: ApplyContext,
) -> None:
    kind = KINDS["connection"]
    current = read_object(kind, connection_id, context)
    if not has_any_text(current.fields, former_ids):
        return
    entry = context.entries.get(current.id)
    desired = _build_repointed_connection(current, entry, former_ids, new_id)
    intent = context.record_intent(
        replacement.change, "repoint", object=current.id, expect=current.address.name
    )
    send_update_body(intent, kind, current.id, kind.encode(desired, context.ids), context)
    live = read_written_object(kind, current.id, context, lambda live: has_any_text(live.fields, former_ids))
    if has_any_text(live.fields, former_ids):
        raise StaleObject(IGNORED_WRITE_MESSAGE)
    context.record_success(intent, _build_repointed_entry(entry, live, new_id) if entry else None)


def _build_repointed_connection(
    current: LiveObject, entry: StateEntry | None, former_ids: Collection[str], new_id: str
) -> DesiredResource:
    applied = entry.applied if entry else {}
    fields: dict[tuple[str, ...], Leaf] = {}
    for path, leaf in current.fields.items():
        # Send an equal value as it was applied: a service may return a number as text.
        is_applied = values_equal(applied.get(path, MISSING), leaf)
        fields[path] = new_id if is_any_text(leaf, former_ids) else applied[path] if is_applied else leaf
    return replace(desired_from_live(current), fields=fields)


def _build_repointed_entry(entry: StateEntry, live: LiveObject, new_id: str) -> StateEntry:
    repointed = {path for path, leaf in live.fields.items() if leaf == new_id}
    observed = {path: new_id if path in repointed else leaf for path, leaf in entry.observed.items()}
    is_unedited = all(live.fields.get(path) == leaf for path, leaf in observed.items())
    # Without a time, the next plan reads the object and shows the edit.
    return replace(entry, observed=observed, updated_at=live.updated_at if is_unedited else "")


def _retire_successor(replacement: Replacement, context: ApplyContext) -> None:
    intent = context.record_intent(replacement.change, "retire", object=replacement.new_id)
    service = context.run.service
    context.send_write(
        intent, lambda: service.retire_record("credentials", replacement.new_id, idempotent=True)
    )
    context.record_success(intent, None, (replacement.successor.address,))


def _promote_successor(replacement: Replacement, context: ApplyContext) -> WriteResult:
    change, desired, kind = replacement.change, replacement.desired, KINDS["credential"]
    warnings = _rename_old_object(replacement, context)
    name = desired.address.name
    intent = context.record_intent(change, "update", object=replacement.new_id, expect=name)
    body = kind.encode(desired, context.ids)
    response = send_update_body(intent, kind, replacement.new_id, body, context)
    live = read_written_object(kind, replacement.new_id, context, lambda live: live.address.name != name)
    reject_concurrent_edit(desired, response, live)
    if live.address.name != name:
        raise StaleObject(KEPT_NAME_MESSAGE)
    result = build_write_result(replace(change, live=live), with_write_time(response, live), context)
    context.ids[change.address] = replacement.new_id
    context.record_success(intent, result.entry, (replacement.successor.address,))
    return replace(result, warnings=(*warnings, *result.warnings))


def _rename_old_object(replacement: Replacement, context: ApplyContext) -> tuple[str, ...]:
    change, entry = replacement.change, replacement.change.entry
    generation = _build_predecessor(replacement, context)
    address = _choose_retired_address(replacement, generation.retires_on, context)
    renamed = rename_away(change, replacement.old_object, address, context)
    if entry is None:
        context.record_success(renamed.intent)
    else:
        kept = replace(
            entry,
            address=address,
            updated_at=renamed.live.updated_at,
            protect=False,
            generation=generation,
        )
        context.record_success(renamed.intent, kept, (entry.address,))
    return renamed.warnings


def _build_predecessor(replacement: Replacement, context: ApplyContext) -> Generation:
    grace_period = timedelta(days=replacement.desired.lifecycle.grace_days)
    retires_on = (context.run.clock.now() + grace_period).date()
    return Generation(
        role=GenerationRole.PREDECESSOR,
        resource=replacement.change.address.name,
        retires_on=retires_on.isoformat(),
    )


def _choose_retired_address(replacement: Replacement, retires_on: str, context: ApplyContext) -> Address:
    # The name is for readers: the state has the date.
    name = f"{replacement.change.address.name}-until-{retires_on}"
    # A second rotation on the same day needs another name.
    is_taken = any(entry.address.name == name for entry in list(context.entries.values()))
    return Address("credential", f"{name}-{context.run.new_id()[:6]}" if is_taken else name)
