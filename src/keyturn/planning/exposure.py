"""Who would see a secret anew: a destination changes while the secret that goes there stays.

A service that merges what it is sent keeps the stored secret when only the host changes, so
whoever may change a host may read the secret. Such a change is an exposure, and so is a
connection that points a credential at a host where it was never sent before, and a new secret for
a credential that somebody points elsewhere meanwhile. A destination that was applied before, by
git and through keyturn, is no news, and neither is one to which the plan that wrote the secret was
to send it: a run that ended half-way is taken up again without a word.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, Exposure, SecretStatus
from keyturn.model.fields import FieldPath, Fields, to_json_pointer, values_equal
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry
from keyturn.model.seal import compute_seal, select_fields
from keyturn.planning.inputs import PlanInputs

DestinationPredicate: TypeAlias = Callable[[str, str, FieldPath], bool]
"""Tells of a kind, a type and a path whether the field says where a secret goes."""

SENT_STATUSES = frozenset({SecretStatus.SET, SecretStatus.ROTATED, SecretStatus.REUSED})
"""States of a secret that is about to be sent."""

_RETAINED_STATUSES = frozenset(
    {
        SecretStatus.UNCHANGED,
        SecretStatus.KEPT,
        SecretStatus.UNKNOWN,
        SecretStatus.SUSPECT,
        SecretStatus.REUSED,
        # A service that merges keeps what is no longer sent.
        SecretStatus.CLEARED,
    }
)
_NEW_OBJECT_ACTIONS = frozenset({Action.CREATE, Action.REPLACE})
_NON_WRITING_ACTIONS = frozenset({Action.RETIRE, Action.FORGET, Action.NO_OP})


def find_exposures(
    changes: tuple[Change, ...],
    inputs: PlanInputs,
    leads: DestinationPredicate,
    state: Mapping[Address, StateEntry] = EMPTY,
) -> tuple[Change, ...]:
    """Return the changes with the exposures that each of them brings.

    ``state`` is what is truly known, where the inputs pretend to know less so that a secret is
    written again: the same value is no new secret for that.
    """
    users = _users_by_address(inputs.entries.values()) if changes else {}
    holders = _live_users_by_id(inputs) if any(map(has_secret_writes, changes)) else {}
    view = _ExposureAnalysis(
        {change.address: change for change in changes}, inputs, leads, users, holders, state
    )
    return tuple(replace(change, exposures=tuple(view.exposures_of(change))) for change in changes)


def credential_destinations(
    changes: Iterable[Change], leads: DestinationPredicate
) -> dict[Address, tuple[str, ...]]:
    """Return by credential the digests of where connections of these changes send its secrets."""
    found: dict[Address, list[str]] = {}
    for change in changes:
        if (
            change.desired
            and change.address.kind == "connection"
            and change.action not in _NON_WRITING_ACTIONS
        ):
            for credential in _referenced_addresses(change.desired.fields):
                found.setdefault(credential, []).append(_destination_digest(change.desired, leads))
    return {credential: tuple(sorted(places)) for credential, places in found.items()}


def _destination_digest(desired: DesiredResource, leads: DestinationPredicate) -> str:
    kind, name, fields = desired.address.kind, desired.address.name, desired.fields
    paths = [path for path in fields if leads(kind, desired.type, path) or isinstance(fields[path], Address)]
    return compute_seal(kind, name, desired.type, select_fields(fields, paths))


def is_drift_revert(change: Change) -> bool:
    """Whether all that a change of a live object does is to put back what was applied."""
    return bool(change.live and change.fields) and all(
        values_equal(field.applied, field.desired) for field in change.fields
    )


def has_secret_writes(change: Change) -> bool:
    """Whether a live object is sent another secret than it holds."""
    anew = (
        change.live is None or change.action in _NEW_OBJECT_ACTIONS or change.action in _NON_WRITING_ACTIONS
    )
    return not anew and any(secret.status in SENT_STATUSES for secret in change.secrets)


def moved_destinations(
    known: StateEntry, live: LiveObject, leads: DestinationPredicate
) -> tuple[FieldPath, ...]:
    """Return where a live object sends secrets to another place than the one it was applied with.

    A field that git does not state and that was not there when the object was made counts too.
    """
    paths = set(known.observed)
    if live.has_config:
        paths |= {path for path in live.fields if path not in known.applied}
    return tuple(
        path
        for path in sorted(paths)
        if leads(live.address.kind, live.type, path)
        and not values_equal(known.observed.get(path, MISSING), live.fields.get(path, MISSING))
    )


class _ExposureAnalysis(Struct, frozen=True):
    changes: Mapping[Address, Change]
    inputs: PlanInputs
    is_destination: DestinationPredicate
    users: Mapping[Address, list[StateEntry]]
    live_holders: Mapping[str, list[tuple[StateEntry, LiveObject]]]
    true_entries: Mapping[Address, StateEntry]

    def exposures_of(self, change: Change) -> Iterator[Exposure]:
        if change.desired is None or change.action in _NON_WRITING_ACTIONS:
            return
        if change.address.kind == "credential":
            yield from self._own_exposures(change, change.desired)
            yield from self._moved_user_exposures(change)
        for credential in sorted(
            {leaf for leaf in change.desired.fields.values() if isinstance(leaf, Address)}
        ):
            if self._keeps_secret(credential):
                yield from self._connection_exposures(change, change.desired, credential)

    def _own_exposures(self, change: Change, desired: DesiredResource) -> Iterator[Exposure]:
        if not self._retains_secret(change):
            return
        live: Fields = change.live.fields if change.live else {}
        before = change.entry.applied if change.entry else live
        for path in self._destination_paths(desired.address.kind, (desired.type, desired.fields), before):
            wanted = desired.fields.get(path, MISSING)
            if not values_equal(before.get(path, MISSING), wanted):
                yield Exposure(change.address, change.address, path, live.get(path, MISSING), wanted)

    def _moved_user_exposures(self, change: Change) -> Iterator[Exposure]:
        if change.entry is None or not has_secret_writes(change):
            return
        for known, live in self.live_holders.get(change.entry.id, ()):
            paths = moved_destinations(known, live, self.is_destination)
            if change.entry.address not in _referenced_addresses(known.applied):
                paths = (*(path for path, leaf in live.fields.items() if leaf == change.entry.id), *paths)
            repair = self.changes.get(known.address)
            if repair and is_drift_revert(repair) and {*paths} <= {field.path for field in repair.fields}:
                continue
            for path in paths:
                before, after = known.applied.get(path, MISSING), live.fields.get(path, MISSING)
                yield Exposure(change.address, known.address, path, before, after)

    def _connection_exposures(
        self, change: Change, desired: DesiredResource, credential: Address
    ) -> Iterator[Exposure]:
        if self._is_approved_destination(credential, change, desired):
            return
        names = self._addresses_of(credential)
        holders = [known for name in sorted(names) for known in self.users.get(name, ())]
        before: Fields = change.entry.applied if change.entry else {}
        if not names & _referenced_addresses(before):
            before = {}
        states = (
            self._has_same_destination(known, desired, before if known.address in names else None)
            for known in holders
        )
        if self._is_adopted_unchanged(change, desired) or any(states):
            return
        paths = self._destination_paths(desired.address.kind, (desired.type, desired.fields), before)
        news = [path for path in paths if not self._was_applied_before(holders, path, desired)]
        for path in news or paths:
            yield Exposure(
                credential, change.address, path, before.get(path, MISSING), desired.fields.get(path, MISSING)
            )

    def _is_approved_destination(self, credential: Address, change: Change, desired: DesiredResource) -> bool:
        # Until the connection was written after the secret: then what was shown is done with.
        holder = self.changes.get(credential)
        known = holder.entry if holder else self.inputs.entries.get(credential)
        if known is None or (change.entry and change.entry.updated_at >= known.updated_at):
            return False
        held = not holder or all(each.status is SecretStatus.UNCHANGED for each in holder.secrets)
        return (
            held
            and bool(known.destinations)
            and _destination_digest(desired, self.is_destination) in known.destinations
        )

    def _addresses_of(self, credential: Address) -> frozenset[Address]:
        change = self.changes.get(credential)
        return frozenset({credential, change.entry.address} if change and change.entry else {credential})

    def _is_adopted_unchanged(self, change: Change, desired: DesiredResource) -> bool:
        # What is taken over as it stands goes nowhere that it did not go before.
        if change.entry or change.live is None:
            return False
        leading = self._destination_paths(
            desired.address.kind, (desired.type, desired.fields), change.live.fields
        )
        links = {path for path, leaf in desired.fields.items() if isinstance(leaf, Address)}
        return not {field.path for field in change.fields} & {*leading, *links}

    def _has_same_destination(
        self, known: StateEntry, desired: DesiredResource, before: Fields | None
    ) -> bool:
        # A credential that states a place itself may be used there, as long as nothing is left out.
        others = known.applied if before is None else before
        return all(
            values_equal(known.applied.get(path, MISSING), desired.fields.get(path, MISSING))
            and (before is None or path in known.applied)
            for path in self._destination_paths(desired.address.kind, (desired.type, desired.fields), others)
        )

    def _was_applied_before(
        self, holders: Iterable[StateEntry], path: FieldPath, desired: DesiredResource
    ) -> bool:
        wanted = desired.fields.get(path, MISSING)
        return any(path in known.applied and values_equal(known.applied[path], wanted) for known in holders)

    def _destination_paths(self, kind: str, now: tuple[str, Fields], before: Fields) -> list[FieldPath]:
        name, fields = now
        return [path for path in sorted({*fields, *before}) if self.is_destination(kind, name, path)]

    def _retains_secret(self, change: Change) -> bool:
        staying = (
            _RETAINED_STATUSES - {SecretStatus.CLEARED}
            if change.action is Action.REPLACE
            else _RETAINED_STATUSES
        )
        stays = change.action is not Action.CREATE and any(one.status in staying for one in change.secrets)
        return stays or self._repeats_secret(change)

    def _repeats_secret(self, change: Change) -> bool:
        # Made or written again, for whatever reason: the same secret is no new one for that.
        if change.entry is None:
            return False
        known = self.true_entries.get(change.entry.address, change.entry)
        return any(
            known.fingerprints.get(path) == value or f"{to_json_pointer(path)}:{value}" in known.earlier
            for path, value in self.inputs.fingerprints.get(change.address, {}).items()
        )

    def _keeps_secret(self, credential: Address) -> bool:
        change = self.changes.get(credential)
        if change is None:
            desired = self.inputs.desired.get(credential)
            return bool(desired and (desired.secrets or desired.kept_secrets))
        return self._retains_secret(change)


def _live_users_by_id(inputs: PlanInputs) -> dict[str, list[tuple[StateEntry, LiveObject]]]:
    # Ours, by the ids that they hold live: rotations by the thousand would each look at everything.
    ids = {known.id for known in inputs.entries.values()}
    held: dict[str, list[tuple[StateEntry, LiveObject]]] = {}
    for known in inputs.entries.values():
        live = inputs.live.get(known.id)
        if live is not None and live.status != "deleted":
            for identity in {leaf for leaf in live.fields.values() if isinstance(leaf, str)} & ids:
                held.setdefault(identity, []).append((known, live))
    return held


def _users_by_address(entries: Iterable[StateEntry]) -> dict[Address, list[StateEntry]]:
    # Worked out once: to ask the whole state for each change is quadratic in the fleet.
    users: dict[Address, list[StateEntry]] = {}
    for known in entries:
        for address in {known.address, *_referenced_addresses(known.applied)}:
            users.setdefault(address, []).append(known)
    return users


def _referenced_addresses(fields: Fields) -> frozenset[Address]:
    return frozenset(leaf for leaf in fields.values() if isinstance(leaf, Address))
