"""The three-way diff: manifests, state and live objects in, changes out.

The last applied value tells an edit outside keyturn from a change of the manifest. The observed
value tells drift from a value that the service normalizes. This module is the only caller of
DeepDiff, and it never passes a secret.
"""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, FieldChange, SecretChange, SecretStatus
from keyturn.model.fields import FieldPath, Fields, Leaf, from_json_pointer, to_json_pointer, values_equal
from keyturn.model.resource import DesiredResource, EncryptedSecret, LiveObject, StateEntry
from keyturn.planning.inputs import PlanInputs

_AddressById: TypeAlias = Mapping[str, Address]

_WRITTEN_STATUSES = frozenset({SecretStatus.SET, SecretStatus.ROTATED, SecretStatus.REUSED})
_UNCERTAIN_STATUSES = frozenset({SecretStatus.SUSPECT, SecretStatus.UNKNOWN})
_NEW_ID_ACTIONS = frozenset({Action.CREATE, Action.REPLACE})


def compute_changes(inputs: PlanInputs) -> tuple[Change, ...]:
    """Return the changes that bring the live objects to the desired state, sorted by address.

    The result does not depend on the order of the inputs. Unchanged resources are omitted.
    """
    adoptable = _find_adoptable_objects(inputs)
    addresses = _addresses_by_id(inputs)
    changes: dict[Address, Change] = {}
    matched: set[Address] = set()
    for desired in sorted(inputs.desired.values(), key=lambda each: each.address):
        entry = _find_entry(desired, inputs.entries)
        if entry:
            matched.add(entry.address)
            change = _change_of_managed(desired, entry, adoptable, inputs, addresses)
        else:
            change = _change_of_unmanaged(desired, adoptable, inputs, addresses)
        if change:
            changes[change.address] = change
    pending = _find_pending_successors(inputs, changes)
    for entry in sorted(inputs.entries.values(), key=lambda each: each.address):
        if entry.address not in matched and not entry.retired_at and entry.address not in pending:
            changes[entry.address] = _change_without_manifest(entry, inputs)
    return _add_repointed(changes, inputs)


def compute_secret_changes(
    desired: DesiredResource, entry: StateEntry | None, fingerprints: Mapping[FieldPath, str]
) -> tuple[SecretChange, ...]:
    """Return the status of each secret field; ``fingerprints`` are those of the decrypted fields.

    Fields of the manifest come first, sorted by path, then kept fields, then removed ones.
    """
    changes = [
        SecretChange(path, *_secret_status(path, value, desired, entry, fingerprints))
        for path, value in sorted(desired.secrets.items())
    ]
    changes += [
        SecretChange(path, SecretStatus.KEPT, "the manifest keeps the live value")
        for path in desired.kept_secrets
    ]
    stated = set(desired.secrets) | set(desired.kept_secrets)
    removed = sorted(path for path in (entry.fingerprints if entry else {}) if path not in stated)
    return (
        *changes,
        *(SecretChange(path, SecretStatus.CLEARED, "removed from the manifest") for path in removed),
    )


def mark_suspect_secrets(secrets: tuple[SecretChange, ...]) -> tuple[SecretChange, ...]:
    """Mark unchanged secrets as suspect: someone wrote the object, but no visible field changed."""
    reason = "the live object was written outside keyturn, and no visible field changed"
    return tuple(
        replace(change, status=SecretStatus.SUSPECT, reason=reason)
        if change.status is SecretStatus.UNCHANGED
        else change
        for change in secrets
    )


def compute_field_changes(
    desired: DesiredResource, entry: StateEntry | None, live: LiveObject, addresses: Mapping[str, Address]
) -> tuple[FieldChange, ...]:
    """Return the plain fields to write: those that the manifest states, and those it no longer states.

    References are compared by id and returned as addresses; ``addresses`` maps managed ids.
    """
    applied: Fields = entry.applied if entry else {}
    observed: Fields = entry.observed if entry else {}
    removed = [path for path in applied if path not in desired.fields and path in live.fields]
    owned = [*desired.fields, *removed]
    current = {path: _resolve_id(live.fields[path], addresses) for path in owned if path in live.fields}
    changes = []
    for path in _differing_paths(current, desired.fields):
        change = FieldChange(
            path, applied.get(path, MISSING), current.get(path, MISSING), desired.fields.get(path, MISSING)
        )
        if not _is_unchanged(change, _resolve_id(observed.get(path, MISSING), addresses)):
            changes.append(change)
    return tuple(changes)


def _secret_status(  # noqa: PLR0911  # a decision table with one return a row
    path: FieldPath,
    value: object,
    desired: DesiredResource,
    entry: StateEntry | None,
    fingerprints: Mapping[FieldPath, str],
) -> tuple[SecretStatus, str]:
    before = entry.fingerprints.get(path) if entry else None
    if isinstance(value, EncryptedSecret) and path not in fingerprints:
        if entry and before and entry.digest == desired.digest:
            return SecretStatus.UNCHANGED, "the file is unchanged since the last apply"
        return SecretStatus.UNKNOWN, "not decrypted"
    if before is None:
        if entry and _is_write_uncertain(path, entry):
            return SecretStatus.ROTATED, "an interrupted write is repeated"
        return SecretStatus.SET, "no record of a previous value"
    if before == fingerprints[path]:
        return SecretStatus.UNCHANGED, "same value as last applied"
    if entry and f"{to_json_pointer(path)}:{fingerprints[path]}" in entry.earlier:
        return SecretStatus.REUSED, "returns to an earlier value"
    return SecretStatus.ROTATED, "differs from the last applied value"


def _is_write_uncertain(path: FieldPath, entry: StateEntry) -> bool:
    # An entry without a digest records an interrupted write. The field had a value before, so
    # writing it again is a rotation.
    return not entry.digest and any(
        each.rpartition(":")[0] == to_json_pointer(path) for each in entry.earlier
    )


def _find_pending_successors(inputs: PlanInputs, changes: Mapping[Address, Change]) -> frozenset[Address]:
    # The rotation of the replaced object continues or retires an unfinished successor.
    rotated = {
        change.entry.id
        for change in changes.values()
        if change.action is Action.ROTATE and change.entry is not None
    }
    return frozenset(entry.address for entry in inputs.entries.values() if entry.replaced_id in rotated)


def _find_adoptable_objects(inputs: PlanInputs) -> dict[Address, LiveObject]:
    # The object of another entry, renamed outside keyturn, is left out: its entry renames it back.
    managed = {entry.id for entry in inputs.entries.values() if not entry.retired_at}
    found: dict[Address, LiveObject] = {}
    for address, objects in inputs.live_by_address().items():
        unmanaged = [live for live in objects if live.id not in managed]
        if unmanaged:
            found[address] = unmanaged[0]
    return found


def _addresses_by_id(inputs: PlanInputs) -> dict[str, Address]:
    # A renamed resource is listed under its new address, so references that follow it are unchanged.
    addresses = {entry.id: address for address, entry in inputs.entries.items()}
    for desired in inputs.desired.values():
        entry = _find_entry(desired, inputs.entries) if desired.lifecycle.moved_from else None
        if entry:
            addresses[entry.id] = desired.address
    return addresses


def _find_entry(desired: DesiredResource, entries: Mapping[Address, StateEntry]) -> StateEntry | None:
    if desired.address in entries:
        return entries[desired.address]
    if not desired.lifecycle.moved_from:
        return None
    entry = entries.get(Address(desired.address.kind, desired.lifecycle.moved_from))
    return None if entry is None or entry.retired_at else entry


def _change_of_unmanaged(
    desired: DesiredResource,
    adoptable: Mapping[Address, LiveObject],
    inputs: PlanInputs,
    addresses: _AddressById,
) -> Change | None:
    live = adoptable.get(desired.address)
    if live is None:
        return _create_change(desired, inputs, "new manifest")
    return _compare_sides(desired, None, live, inputs, addresses)


def _change_of_managed(
    desired: DesiredResource,
    entry: StateEntry,
    adoptable: Mapping[Address, LiveObject],
    inputs: PlanInputs,
    addresses: _AddressById,
) -> Change | None:
    live = inputs.live.get(entry.id)
    if live is not None:
        return _compare_sides(desired, entry, live, inputs, addresses)
    remade = adoptable.get(desired.address)
    if remade is not None:
        change = _compare_sides(desired, None, remade, inputs, addresses)
        return change and replace(change, reason="the object was made again outside keyturn, with another ID")
    reason = "the retired object was purged" if entry.retired_at else "the object was purged outside keyturn"
    return replace(_create_change(desired, inputs, reason), entry=entry)


def _create_change(desired: DesiredResource, inputs: PlanInputs, reason: str) -> Change:
    secrets = compute_secret_changes(desired, None, inputs.fingerprints.get(desired.address, {}))
    return Change(
        action=Action.CREATE,
        address=desired.address,
        desired=desired,
        fields=tuple(FieldChange(path, MISSING, MISSING, leaf) for path, leaf in desired.fields.items()),
        secrets=tuple(
            replace(each, reason="new") if each.status is SecretStatus.SET else each for each in secrets
        ),
        reason=reason,
    )


def _change_without_manifest(entry: StateEntry, inputs: PlanInputs) -> Change:
    live = inputs.live.get(entry.id)
    is_gone = live is None or live.status == "deleted"
    return Change(
        action=Action.FORGET if is_gone else Action.RETIRE,
        address=entry.address,
        entry=entry,
        live=live,
        reason=_explain_retirement(entry, is_gone=is_gone),
    )


def _explain_retirement(entry: StateEntry, *, is_gone: bool) -> str:
    if entry.generation is None:
        return "manifest and object deleted" if is_gone else "manifest deleted"
    cause = "left by an interrupted replacement of" if entry.is_successor else "replaced as the object of"
    return f"{cause} {Address(entry.address.kind, entry.generation.resource)}"


def _compare_sides(
    desired: DesiredResource,
    entry: StateEntry | None,
    live: LiveObject,
    inputs: PlanInputs,
    addresses: _AddressById,
) -> Change | None:
    fields = compute_field_changes(desired, entry, live, addresses)
    secrets = compute_secret_changes(desired, entry, inputs.fingerprints.get(desired.address, {}))
    if entry and not _is_edit_explained(entry, live, fields):
        secrets = mark_suspect_secrets(secrets)
    action, reason = _choose_action(desired, entry, live, fields, secrets)
    if action is None:
        return None
    return Change(
        action=action,
        address=desired.address,
        desired=desired,
        entry=entry,
        live=live,
        fields=fields,
        secrets=secrets,
        renamed_from=live.address.name if live.address != desired.address else "",
        reason=reason,
    )


def _is_edit_explained(entry: StateEntry, live: LiveObject, fields: tuple[FieldChange, ...]) -> bool:
    is_untouched = not entry.updated_at or live.updated_at == entry.updated_at
    if entry.retired_at:
        # A retirement by keyturn changed the timestamp, and a restore writes every secret again.
        return True
    if is_untouched or live.address != entry.address or any(change.has_drifted for change in fields):
        return True
    # An outside edit that the manifest has adopted is no drift, but it explains the newer timestamp.
    return any(
        not values_equal(live.fields.get(path, MISSING), leaf) for path, leaf in entry.observed.items()
    )


def _choose_action(  # noqa: PLR0911  # a decision table with one return a row
    desired: DesiredResource,
    entry: StateEntry | None,
    live: LiveObject,
    fields: tuple[FieldChange, ...],
    secrets: tuple[SecretChange, ...],
) -> tuple[Action | None, str]:
    written = [change for change in secrets if change.status in _WRITTEN_STATUSES]
    if entry is None:
        return Action.ADOPT, "an object with this name exists, but is not in the state"
    if live.type != desired.type:
        return Action.REPLACE, "the type changed, and an object cannot change its type"
    if entry.retired_at or live.status == "deleted":
        return (
            Action.RESTORE,
            f"the object was {'retired' if entry.retired_at else 'deleted outside keyturn'}",
        )
    if any(change.status is not SecretStatus.SET for change in written):
        return Action.ROTATE, "a secret changed in the manifest"
    if live.address != desired.address:
        return Action.RENAME, "the manifest has a new name"
    if written:
        return Action.UPDATE, "new secret field"
    if fields or any(change.status is SecretStatus.CLEARED for change in secrets):
        return Action.UPDATE, _update_reason(fields)
    if entry.untested:
        return Action.UPDATE, "the connection test after the last write could not be run"
    if any(change.status in _UNCERTAIN_STATUSES for change in secrets):
        return Action.NO_OP, "a secret may differ from the manifest"
    return None, ""


def _update_reason(fields: tuple[FieldChange, ...]) -> str:
    drifted = sum(change.has_drifted for change in fields)
    if drifted and drifted == len(fields):
        return "the live object was edited outside keyturn"
    return "the manifest and the live object were both edited" if drifted else "the manifest changed"


def _resolve_id(leaf: Leaf, addresses: _AddressById) -> Leaf:
    return addresses.get(leaf, leaf) if isinstance(leaf, str) else leaf


def _is_unchanged(change: FieldChange, observed: Leaf) -> bool:
    if values_equal(change.desired, change.live):
        return True
    if change.applied == MISSING or not values_equal(change.applied, change.desired):
        return False
    if isinstance(change.desired, Address) and change.live != MISSING:
        return False
    # The service may normalize a value or omit a field, even a reference; neither is drift.
    return values_equal(observed, change.live)


def _differing_paths(live: Fields, desired: Fields) -> list[FieldPath]:
    if live == desired:
        return []
    from deepdiff import DeepDiff  # noqa: PLC0415  # its import takes 64 ms; a plan without changes skips it

    delta = DeepDiff(_to_comparable(live), _to_comparable(desired), threshold_to_diff_deeper=0)
    return sorted(from_json_pointer(key) for key in delta.affected_root_keys)


def _to_comparable(fields: Fields) -> dict[str, object]:
    return {
        to_json_pointer(path): str(leaf) if isinstance(leaf, Address) else leaf
        for path, leaf in fields.items()
    }


def _add_repointed(changes: Mapping[Address, Change], inputs: PlanInputs) -> tuple[Change, ...]:
    new_ids = {address for address, change in changes.items() if _gets_new_id(change, inputs)}
    result = dict(changes)
    for desired in inputs.desired.values():
        references = _references_to(desired, new_ids)
        if references and desired.address not in changes:
            entry = inputs.entries[desired.address]
            result[desired.address] = Change(
                action=Action.UPDATE,
                address=desired.address,
                desired=desired,
                entry=entry,
                live=inputs.live[entry.id],
                fields=references,
                reason="a referenced object gets a new ID",
            )
    return tuple(result[address] for address in sorted(result))


def _gets_new_id(change: Change, inputs: PlanInputs) -> bool:
    if change.action in _NEW_ID_ACTIONS:
        return change.entry is not None
    return change.action is Action.ADOPT and change.address in inputs.entries


def _references_to(desired: DesiredResource, targets: set[Address]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(path, leaf, leaf, leaf)
        for path, leaf in desired.fields.items()
        if isinstance(leaf, Address) and leaf in targets
    )
