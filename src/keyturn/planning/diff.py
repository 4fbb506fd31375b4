"""Desired, Known and Live in, Changes out. The only caller of DeepDiff; no secret ever gets near it.

Three sides are compared because two are not enough: what we last applied tells a field that
somebody edited from one that git changed, and what the service made of it tells a value that it
normalises from one that drifted.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, FieldChange, SecretChange, SecretStatus
from keyturn.model.fields import FieldPath, Fields, Leaf, from_json_pointer, to_json_pointer, values_equal
from keyturn.model.resource import DesiredResource, EncryptedSecret, LiveObject, StateEntry
from keyturn.planning.inputs import PlanInputs
from keyturn.planning.scope import SUCCESSOR_INFIX


def secret_changes(
    desired: DesiredResource, known: StateEntry | None, prints: Mapping[FieldPath, str]
) -> tuple[SecretChange, ...]:
    """Return the state of each secret field, sorted by path; ``prints`` fingerprint the opened ones."""
    changes = [
        SecretChange(path, *_secret_status(path, value, (desired, known), prints))
        for path, value in sorted(desired.secrets.items())
    ]
    changes += [
        SecretChange(path, SecretStatus.KEPT, "the manifest keeps the live value")
        for path in desired.kept_secrets
    ]
    held = set(desired.secrets) | set(desired.kept_secrets)
    gone = sorted(path for path in (known.fingerprints if known else {}) if path not in held)
    return (*changes, *(SecretChange(path, SecretStatus.CLEARED, "the manifest dropped it") for path in gone))


def _secret_status(  # noqa: PLR0911  # a decision table reads best as one return a row
    path: FieldPath,
    value: object,
    sides: tuple[DesiredResource, StateEntry | None],
    prints: Mapping[FieldPath, str],
) -> tuple[SecretStatus, str]:
    desired, known = sides
    before = known.fingerprints.get(path) if known else None
    if isinstance(value, EncryptedSecret) and path not in prints:
        if known and before and known.digest == desired.digest:
            return SecretStatus.UNCHANGED, "the file is as it was applied"
        return SecretStatus.UNKNOWN, "it was not decrypted"
    if before is None:
        if known and _is_write_uncertain(path, known):
            return SecretStatus.ROTATED, "an earlier write was cut off, so it is written again"
        return SecretStatus.SET, "not known to be set"
    if before == prints[path]:
        return SecretStatus.UNCHANGED, "the same value as last applied"
    if known and f"{to_json_pointer(path)}:{prints[path]}" in known.earlier:
        return SecretStatus.REUSED, "a value that was in use before returns"
    return SecretStatus.ROTATED, "another value than last applied"


def _is_write_uncertain(path: FieldPath, known: StateEntry) -> bool:
    # Of such an entry nothing is certain but that the field was set: to write it is a rotation.
    return not known.digest and any(
        each.rpartition(":")[0] == to_json_pointer(path) for each in known.earlier
    )


def mark_suspect(secrets: tuple[SecretChange, ...]) -> tuple[SecretChange, ...]:
    """Return the states for a live object that somebody wrote after us without a visible trace."""
    reason = "the live object was written after us, and no visible field explains it"
    return tuple(
        replace(change, status=SecretStatus.SUSPECT, reason=reason)
        if change.status is SecretStatus.UNCHANGED
        else change
        for change in secrets
    )


_WRITTEN_STATUSES = frozenset({SecretStatus.SET, SecretStatus.ROTATED, SecretStatus.REUSED})
_UNCERTAIN_STATUSES = frozenset({SecretStatus.SUSPECT, SecretStatus.UNKNOWN})
_LiveByAddress: TypeAlias = Mapping[Address, list[LiveObject]]
_AddressById: TypeAlias = Mapping[str, Address]
_NEW_ID_ACTIONS = {Action.CREATE, Action.REPLACE}


def compute_changes(inputs: PlanInputs) -> tuple[Change, ...]:
    """Return every change that turns the live side into the desired one, sorted by address.

    The order of the inputs does not matter. A resource without a change is not in the result.
    """
    named = inputs.live_by_address()
    names = _addresses_by_id(inputs)
    changes: dict[Address, Change] = {}
    taken: set[Address] = set()
    for desired in sorted(inputs.desired.values(), key=lambda each: each.address):
        known = _entry_for(desired, inputs.entries)
        if known:
            taken.add(known.address)
        change = _change_for_manifest(desired, known, inputs, (named, names))
        if change:
            changes[change.address] = change
    for known in sorted(inputs.entries.values(), key=lambda each: each.address):
        if known.address not in taken and not known.retired_at and not _is_pending_successor(known, changes):
            changes[known.address] = _change_without_manifest(known, inputs)
    return _add_repointed(changes, inputs)


def _is_pending_successor(known: StateEntry, changes: Mapping[Address, Change]) -> bool:
    # A successor that was cut off: the rotation which takes up again says what becomes of it.
    name, heir, _ = known.address.name.partition(SUCCESSOR_INFIX)
    change = changes.get(Address(known.address.kind, name))
    return bool(heir) and change is not None and change.action is Action.ROTATE


def _addresses_by_id(inputs: PlanInputs) -> dict[str, Address]:
    # What is being renamed goes by its new name: a reference that follows it is no change.
    names = {entry.id: address for address, entry in inputs.entries.items()}
    for desired in inputs.desired.values():
        earlier = _entry_for(desired, inputs.entries) if desired.lifecycle.moved_from else None
        if earlier:
            names[earlier.id] = desired.address
    return names


def _entry_for(desired: DesiredResource, known: Mapping[Address, StateEntry]) -> StateEntry | None:
    if desired.address in known:
        return known[desired.address]
    if not desired.lifecycle.moved_from:
        return None
    earlier = known.get(Address(desired.address.kind, desired.lifecycle.moved_from))
    return None if earlier is None or earlier.retired_at else earlier


def _change_for_manifest(
    desired: DesiredResource,
    known: StateEntry | None,
    inputs: PlanInputs,
    indexes: tuple[_LiveByAddress, _AddressById],
) -> Change | None:
    named, names = indexes
    if known is None:
        found = named.get(desired.address, [])
        if not found:
            return _create_change(desired, inputs, "the manifest is new")
        return _compare_sides((desired, None, found[0]), names, inputs.fingerprints)
    live = inputs.live.get(known.id)
    if live is None:
        gone = "it was retired, and the object is gone for good"
        reason = gone if known.retired_at else "it was removed outside keyturn"
        return replace(_create_change(desired, inputs, reason), entry=known)
    return _compare_sides((desired, known, live), names, inputs.fingerprints)


def _create_change(desired: DesiredResource, inputs: PlanInputs, why: str) -> Change:
    fields = tuple(FieldChange(path, MISSING, MISSING, leaf) for path, leaf in desired.fields.items())
    secrets = secret_changes(desired, None, inputs.fingerprints.get(desired.address, {}))
    return Change(
        action=Action.CREATE,
        address=desired.address,
        desired=desired,
        fields=fields,
        secrets=secrets,
        reason=why,
    )


def _change_without_manifest(known: StateEntry, inputs: PlanInputs) -> Change:
    live = inputs.live.get(known.id)
    if live is None or live.status == "deleted":
        why = "its manifest is gone, and so is the object"
        return Change(action=Action.FORGET, address=known.address, entry=known, live=live, reason=why)
    why = "its manifest is gone"
    return Change(action=Action.RETIRE, address=known.address, entry=known, live=live, reason=why)


def _compare_sides(
    sides: tuple[DesiredResource, StateEntry | None, LiveObject],
    names: _AddressById,
    prints: Mapping[Address, Mapping[FieldPath, str]],
) -> Change | None:
    desired, known, live = sides
    fields = field_changes(desired, known, live, names)
    secrets = secret_changes(desired, known, prints.get(desired.address, {}))
    if known and not _is_edit_explained(known, live, fields):
        secrets = mark_suspect(secrets)
    action, why = _choose_action(desired, known, live, (fields, secrets))
    if action is None:
        return None
    return Change(
        action=action,
        address=desired.address,
        desired=desired,
        entry=known,
        live=live,
        fields=fields,
        secrets=secrets,
        renamed_from=live.address.name if live.address != desired.address else "",
        reason=why,
    )


def _is_edit_explained(known: StateEntry, live: LiveObject, fields: tuple[FieldChange, ...]) -> bool:
    untouched = not known.updated_at or live.updated_at == known.updated_at
    if untouched or live.address != known.address or any(change.has_drifted for change in fields):
        return True
    # What was edited outside and then taken into git is no drift any more, and explains the edit still.
    return any(
        not values_equal(live.fields.get(path, MISSING), leaf) for path, leaf in known.observed.items()
    )


def _choose_action(  # noqa: PLR0911  # a decision table reads best as one return a row
    desired: DesiredResource,
    known: StateEntry | None,
    live: LiveObject,
    moved: tuple[tuple[FieldChange, ...], tuple[SecretChange, ...]],
) -> tuple[Action | None, str]:
    fields, secrets = moved
    writes = [change for change in secrets if change.status in _WRITTEN_STATUSES]
    if known is None:
        return Action.ADOPT, "an object of this name exists and is not in the state"
    if live.type != desired.type:
        return Action.REPLACE, "the type of an object cannot change"
    if known.retired_at or live.status == "deleted":
        return Action.RESTORE, "it was retired" if known.retired_at else "it was deleted outside keyturn"
    if any(change.status is not SecretStatus.SET for change in writes):
        return Action.ROTATE, "a secret changed in git"
    if live.address != desired.address:
        return Action.RENAME, "the manifest has another name"
    if writes:
        return Action.UPDATE, "a secret field is new"
    if fields or any(change.status is SecretStatus.CLEARED for change in secrets):
        return Action.UPDATE, _update_reason(fields)
    if any(change.status in _UNCERTAIN_STATUSES for change in secrets):
        return Action.NO_OP, "a secret may not be what git says"
    return None, ""


def _update_reason(fields: tuple[FieldChange, ...]) -> str:
    drifted = sum(change.has_drifted for change in fields)
    if drifted and drifted == len(fields):
        return "the live object was edited outside keyturn"
    return "git and the live object were both edited" if drifted else "the manifest changed"


def field_changes(
    desired: DesiredResource, known: StateEntry | None, live: LiveObject, names: _AddressById
) -> tuple[FieldChange, ...]:
    """Return the plain fields that must be written: those the manifest states, and those it dropped.

    References are compared by id and shown by address; ``names`` are the addresses of known ids.
    """
    applied: Fields = known.applied if known else {}
    observed: Fields = known.observed if known else {}
    dropped = [path for path in applied if path not in desired.fields and path in live.fields]
    owned = [*desired.fields, *dropped]
    seen = {path: _resolve_id(live.fields[path], names) for path in owned if path in live.fields}
    changes = []
    for path in _differing_paths(seen, desired.fields):
        wanted, now = desired.fields.get(path, MISSING), seen.get(path, MISSING)
        if not _is_unchanged(path, (wanted, now), applied, observed, names):
            changes.append(FieldChange(path, applied.get(path, MISSING), now, wanted))
    return tuple(changes)


def _resolve_id(leaf: Leaf, names: Mapping[str, Address]) -> Leaf:
    return names.get(leaf, leaf) if isinstance(leaf, str) else leaf


def _is_unchanged(
    path: FieldPath, sides: tuple[Leaf, Leaf], applied: Fields, observed: Fields, names: Mapping[str, Address]
) -> bool:
    wanted, now = sides
    if values_equal(wanted, now):
        return True
    if path not in applied or not values_equal(applied[path], wanted):
        return False
    if isinstance(wanted, Address) and now != MISSING:
        return False
    # The service may normalise a value, or not echo it at all, a reference too: neither is drift.
    return values_equal(_resolve_id(observed.get(path, MISSING), names), now)


def _differing_paths(live: Fields, wanted: Fields) -> list[FieldPath]:
    if live == wanted:
        return []
    from deepdiff import DeepDiff  # noqa: PLC0415  # 64 ms, and a plan without changes never needs it

    delta = DeepDiff(_to_comparable(live), _to_comparable(wanted), threshold_to_diff_deeper=0)
    return sorted(from_json_pointer(key) for key in delta.affected_root_keys)


def _to_comparable(fields: Fields) -> dict[str, object]:
    return {
        to_json_pointer(path): str(leaf) if isinstance(leaf, Address) else leaf
        for path, leaf in fields.items()
    }


def _add_repointed(changes: Mapping[Address, Change], inputs: PlanInputs) -> tuple[Change, ...]:
    anew = {
        address for address, change in changes.items() if change.action in _NEW_ID_ACTIONS and change.entry
    }
    result = dict(changes)
    for desired in inputs.desired.values():
        moved = _references_to(desired, anew)
        if moved and desired.address not in changes:
            known = inputs.entries[desired.address]
            result[desired.address] = Change(
                action=Action.UPDATE,
                address=desired.address,
                desired=desired,
                entry=known,
                live=inputs.live[known.id],
                fields=moved,
                reason="what it refers to gets a new id",
            )
    return tuple(result[address] for address in sorted(result))


def _references_to(desired: DesiredResource, anew: Iterable[Address]) -> tuple[FieldChange, ...]:
    wanted = set(anew)
    return tuple(
        FieldChange(path, leaf, leaf, leaf)
        for path, leaf in desired.fields.items()
        if isinstance(leaf, Address) and leaf in wanted
    )
