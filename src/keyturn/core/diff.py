"""Desired, Known and Live in, Changes out. The only caller of DeepDiff; no secret ever gets near it.

Three sides are compared because two are not enough: what we last applied tells a field that
somebody edited from one that git changed, and what the service made of it tells a value that it
normalises from one that drifted.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import ABSENT, Action, Change, FieldChange, SecretChange, SecretState
from keyturn.core.fields import Fields, Leaf, Path, pointer, same, unpointer
from keyturn.core.inputs import Inputs
from keyturn.core.protect import NEXT
from keyturn.core.resource import Desired, Known, Live
from keyturn.core.states import states, suspected

_WRITES = frozenset({SecretState.SET, SecretState.ROTATED, SecretState.REUSED})
_DOUBTS = frozenset({SecretState.SUSPECT, SecretState.UNKNOWN})
_Named: TypeAlias = Mapping[Address, list[Live]]
_Names: TypeAlias = Mapping[str, Address]
_GONE = {Action.CREATE, Action.REPLACE}


def diff(inputs: Inputs) -> tuple[Change, ...]:
    """Return every change that turns the live side into the desired one, sorted by address.

    The order of the inputs does not matter. A resource without a change is not in the result.
    """
    named = inputs.named()
    names = _names(inputs)
    changes: dict[Address, Change] = {}
    taken: set[Address] = set()
    for desired in sorted(inputs.desired.values(), key=lambda each: each.address):
        known = _known_of(desired, inputs.known)
        if known:
            taken.add(known.address)
        change = _wanted(desired, known, inputs, (named, names))
        if change:
            changes[change.address] = change
    for known in sorted(inputs.known.values(), key=lambda each: each.address):
        if known.address not in taken and not known.retired_at and not _in_relay(known, changes):
            changes[known.address] = _unwanted(known, inputs)
    return _repoint(changes, inputs)


def _in_relay(known: Known, changes: Mapping[Address, Change]) -> bool:
    # A successor that was cut off: the rotation which takes up again says what becomes of it.
    name, heir, _ = known.address.name.partition(NEXT)
    change = changes.get(Address(known.address.kind, name))
    return bool(heir) and change is not None and change.action is Action.ROTATE


def _names(inputs: Inputs) -> dict[str, Address]:
    # What is being renamed goes by its new name: a reference that follows it is no change.
    names = {entry.id: address for address, entry in inputs.known.items()}
    for desired in inputs.desired.values():
        earlier = _known_of(desired, inputs.known) if desired.lifecycle.moved_from else None
        if earlier:
            names[earlier.id] = desired.address
    return names


def _known_of(desired: Desired, known: Mapping[Address, Known]) -> Known | None:
    if desired.address in known:
        return known[desired.address]
    if not desired.lifecycle.moved_from:
        return None
    earlier = known.get(Address(desired.address.kind, desired.lifecycle.moved_from))
    return None if earlier is None or earlier.retired_at else earlier


def _wanted(
    desired: Desired, known: Known | None, inputs: Inputs, indexes: tuple[_Named, _Names]
) -> Change | None:
    named, names = indexes
    if known is None:
        found = named.get(desired.address, [])
        if not found:
            return _create(desired, inputs, "the manifest is new")
        return _compare((desired, None, found[0]), names, inputs.prints)
    live = inputs.live.get(known.id)
    if live is None:
        gone = "it was retired, and the object is gone for good"
        reason = gone if known.retired_at else "it was removed outside keyturn"
        return replace(_create(desired, inputs, reason), known=known)
    return _compare((desired, known, live), names, inputs.prints)


def _create(desired: Desired, inputs: Inputs, why: str) -> Change:
    fields = tuple(FieldChange(path, ABSENT, ABSENT, leaf) for path, leaf in desired.fields.items())
    secrets = states(desired, None, inputs.prints.get(desired.address, {}))
    return Change(
        action=Action.CREATE,
        address=desired.address,
        desired=desired,
        fields=fields,
        secrets=secrets,
        why=why,
    )


def _unwanted(known: Known, inputs: Inputs) -> Change:
    live = inputs.live.get(known.id)
    if live is None or live.status == "deleted":
        why = "its manifest is gone, and so is the object"
        return Change(action=Action.FORGET, address=known.address, known=known, live=live, why=why)
    why = "its manifest is gone"
    return Change(action=Action.RETIRE, address=known.address, known=known, live=live, why=why)


def _compare(
    sides: tuple[Desired, Known | None, Live], names: _Names, prints: Mapping[Address, Mapping[Path, str]]
) -> Change | None:
    desired, known, live = sides
    fields = field_changes(desired, known, live, names)
    secrets = states(desired, known, prints.get(desired.address, {}))
    if known and not _explained(known, live, fields):
        secrets = suspected(secrets)
    action, why = _action(desired, known, live, (fields, secrets))
    if action is None:
        return None
    return Change(
        action=action,
        address=desired.address,
        desired=desired,
        known=known,
        live=live,
        fields=fields,
        secrets=secrets,
        renamed_from=live.address.name if live.address != desired.address else "",
        why=why,
    )


def _explained(known: Known, live: Live, fields: tuple[FieldChange, ...]) -> bool:
    untouched = not known.updated_at or live.updated_at == known.updated_at
    if untouched or live.address != known.address or any(change.drifted for change in fields):
        return True
    # What was edited outside and then taken into git is no drift any more, and explains the edit still.
    return any(not same(live.fields.get(path, ABSENT), leaf) for path, leaf in known.observed.items())


def _action(  # noqa: PLR0911  # a decision table reads best as one return a row
    desired: Desired,
    known: Known | None,
    live: Live,
    moved: tuple[tuple[FieldChange, ...], tuple[SecretChange, ...]],
) -> tuple[Action | None, str]:
    fields, secrets = moved
    writes = [change for change in secrets if change.state in _WRITES]
    if known is None:
        return Action.ADOPT, "an object of this name exists and is not in the ledger"
    if live.type != desired.type:
        return Action.REPLACE, "the type of an object cannot change"
    if known.retired_at or live.status == "deleted":
        return Action.RESTORE, "it was retired" if known.retired_at else "it was deleted outside keyturn"
    if any(change.state is not SecretState.SET for change in writes):
        return Action.ROTATE, "a secret changed in git"
    if live.address != desired.address:
        return Action.RENAME, "the manifest has another name"
    if writes:
        return Action.UPDATE, "a secret field is new"
    if fields or any(change.state is SecretState.CLEARED for change in secrets):
        return Action.UPDATE, _why(fields)
    if any(change.state in _DOUBTS for change in secrets):
        return Action.NOTE, "a secret may not be what git says"
    return None, ""


def _why(fields: tuple[FieldChange, ...]) -> str:
    drifted = sum(change.drifted for change in fields)
    if drifted and drifted == len(fields):
        return "the live object was edited outside keyturn"
    return "git and the live object were both edited" if drifted else "the manifest changed"


def field_changes(
    desired: Desired, known: Known | None, live: Live, names: _Names
) -> tuple[FieldChange, ...]:
    """Return the plain fields that must be written: those the manifest states, and those it dropped.

    References are compared by id and shown by address; ``names`` are the addresses of known ids.
    """
    applied: Fields = known.applied if known else {}
    observed: Fields = known.observed if known else {}
    dropped = [path for path in applied if path not in desired.fields and path in live.fields]
    owned = [*desired.fields, *dropped]
    seen = {path: _named(live.fields[path], names) for path in owned if path in live.fields}
    changes = []
    for path in _differing(seen, desired.fields):
        wanted, now = desired.fields.get(path, ABSENT), seen.get(path, ABSENT)
        if not _settled(path, (wanted, now), applied, observed, names):
            changes.append(FieldChange(path, applied.get(path, ABSENT), now, wanted))
    return tuple(changes)


def _named(leaf: Leaf, names: Mapping[str, Address]) -> Leaf:
    return names.get(leaf, leaf) if isinstance(leaf, str) else leaf


def _settled(
    path: Path, sides: tuple[Leaf, Leaf], applied: Fields, observed: Fields, names: Mapping[str, Address]
) -> bool:
    wanted, now = sides
    if same(wanted, now):
        return True
    if path not in applied or not same(applied[path], wanted):
        return False
    if isinstance(wanted, Address) and now != ABSENT:
        return False
    # The service may normalise a value, or not echo it at all, a reference too: neither is drift.
    return same(_named(observed.get(path, ABSENT), names), now)


def _differing(live: Fields, wanted: Fields) -> list[Path]:
    if live == wanted:
        return []
    from deepdiff import DeepDiff  # noqa: PLC0415  # 64 ms, and a plan without changes never needs it

    delta = DeepDiff(_plain(live), _plain(wanted), threshold_to_diff_deeper=0)
    return sorted(unpointer(key) for key in delta.affected_root_keys)


def _plain(fields: Fields) -> dict[str, object]:
    return {pointer(path): str(leaf) if isinstance(leaf, Address) else leaf for path, leaf in fields.items()}


def _repoint(changes: Mapping[Address, Change], inputs: Inputs) -> tuple[Change, ...]:
    anew = {address for address, change in changes.items() if change.action in _GONE and change.known}
    result = dict(changes)
    for desired in inputs.desired.values():
        moved = _references_to(desired, anew)
        if moved and desired.address not in changes:
            known = inputs.known[desired.address]
            result[desired.address] = Change(
                action=Action.UPDATE,
                address=desired.address,
                desired=desired,
                known=known,
                live=inputs.live[known.id],
                fields=moved,
                why="what it refers to gets a new id",
            )
    return tuple(result[address] for address in sorted(result))


def _references_to(desired: Desired, anew: Iterable[Address]) -> tuple[FieldChange, ...]:
    wanted = set(anew)
    return tuple(
        FieldChange(path, leaf, leaf, leaf)
        for path, leaf in desired.fields.items()
        if isinstance(leaf, Address) and leaf in wanted
    )
