"""Exposure analysis: changes that send an existing secret to a new destination.

A service with merge semantics keeps the stored secret when only the host changes, so whoever can
change the host can read the secret. Three changes are exposures:

- a credential changes its destination and keeps its secret;
- a connection uses a credential at a destination where its secret was never sent;
- a credential gets a new secret while a connection that uses it was repointed outside keyturn.

A destination that an earlier apply already used is not reported again. Destinations planned
together with the secret count as used, so an interrupted apply can resume without a new approval.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, Exposure, SecretStatus
from keyturn.model.clock import parse_timestamp
from keyturn.model.fields import FieldPath, Fields, to_json_pointer, values_equal
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry
from keyturn.model.seal import compute_seal, select_fields
from keyturn.planning.inputs import PlanInputs

DestinationPredicate: TypeAlias = Callable[[str, str, FieldPath], bool]
"""Tells whether the field of a kind, type and path determines where a secret is sent."""

_SENT_STATUSES = frozenset({SecretStatus.SET, SecretStatus.ROTATED, SecretStatus.REUSED})
_RETAINED_STATUSES = frozenset(
    {
        SecretStatus.UNCHANGED,
        SecretStatus.KEPT,
        SecretStatus.UNKNOWN,
        SecretStatus.SUSPECT,
        SecretStatus.REUSED,
        # A service with merge semantics keeps fields that are no longer sent.
        SecretStatus.CLEARED,
    }
)
_NEW_OBJECT_ACTIONS = frozenset({Action.CREATE, Action.REPLACE})
_NON_WRITING_ACTIONS = frozenset({Action.RETIRE, Action.FORGET, Action.NO_OP})


def find_exposures(
    changes: tuple[Change, ...],
    inputs: PlanInputs,
    is_destination: DestinationPredicate,
    true_entries: Mapping[Address, StateEntry] = EMPTY,
) -> tuple[Change, ...]:
    """Return the changes with their exposures.

    ``true_entries`` are the unmodified state entries. The entries of ``inputs`` may lack the
    fingerprints of secrets that must be written again; such a secret is still an existing one.
    """
    analysis = _ExposureAnalysis(
        changes={change.address: change for change in changes},
        inputs=inputs,
        is_destination=is_destination,
        users=_users_by_address(inputs.entries.values()) if changes else {},
        live_users=_live_users_by_id(inputs) if any(map(has_secret_writes, changes)) else {},
        true_entries=true_entries,
    )
    return tuple(replace(change, exposures=tuple(analysis.exposures_of(change))) for change in changes)


def credential_destinations(
    changes: Iterable[Change], is_destination: DestinationPredicate
) -> dict[Address, tuple[str, ...]]:
    """Return, by credential, the digests of its destinations in the connections of these changes."""
    digests: dict[Address, list[str]] = {}
    for change in changes:
        if (
            change.desired
            and change.address.kind == "connection"
            and change.action not in _NON_WRITING_ACTIONS
        ):
            for credential in _referenced_addresses(change.desired.fields):
                digests.setdefault(credential, []).append(_destination_digest(change.desired, is_destination))
    return {credential: tuple(sorted(each)) for credential, each in digests.items()}


def is_drift_revert(change: Change) -> bool:
    """Tell whether a change only restores the last applied values of a live object."""
    return bool(change.live and change.fields) and all(
        values_equal(field.applied, field.desired) for field in change.fields
    )


def has_secret_writes(change: Change) -> bool:
    """Tell whether a change writes a new secret to an existing object."""
    if change.live is None or change.action in _NEW_OBJECT_ACTIONS | _NON_WRITING_ACTIONS:
        return False
    return any(secret.status in _SENT_STATUSES for secret in change.secrets)


def moved_destinations(
    entry: StateEntry, live: LiveObject, is_destination: DestinationPredicate
) -> tuple[FieldPath, ...]:
    """Return the destination fields of a live object that changed since the last apply.

    This includes fields that were added outside keyturn.
    """
    paths = set(entry.observed)
    if live.has_config:
        paths |= {path for path in live.fields if path not in entry.applied}
    return tuple(
        path
        for path in sorted(paths)
        if is_destination(live.address.kind, live.type, path)
        and not values_equal(entry.observed.get(path, MISSING), live.fields.get(path, MISSING))
    )


class _ExposureAnalysis(Struct, frozen=True, kw_only=True):
    changes: Mapping[Address, Change]
    inputs: PlanInputs
    is_destination: DestinationPredicate
    users: Mapping[Address, list[StateEntry]]
    live_users: Mapping[str, list[tuple[StateEntry, LiveObject]]]
    true_entries: Mapping[Address, StateEntry]

    def exposures_of(self, change: Change) -> Iterator[Exposure]:
        if change.desired is None or change.action in _NON_WRITING_ACTIONS:
            return
        if change.address.kind == "credential":
            yield from self._own_exposures(change, change.desired)
            yield from self._moved_user_exposures(change)
        for credential in sorted(_referenced_addresses(change.desired.fields)):
            if self._credential_retains_secret(credential):
                yield from self._connection_exposures(change, change.desired, credential)

    def _own_exposures(self, change: Change, desired: DesiredResource) -> Iterator[Exposure]:
        if not self._retains_secret(change):
            return
        live: Fields = change.live.fields if change.live else {}
        before = change.entry.applied if change.entry else live
        for path in self._destination_paths(desired, before):
            after = desired.fields.get(path, MISSING)
            if not values_equal(before.get(path, MISSING), after):
                yield Exposure(change.address, change.address, path, live.get(path, MISSING), after)

    def _moved_user_exposures(self, change: Change) -> Iterator[Exposure]:
        if change.entry is None or not has_secret_writes(change):
            return
        for user, live in self.live_users.get(change.entry.id, ()):
            paths = moved_destinations(user, live, self.is_destination)
            if change.entry.address not in _referenced_addresses(user.applied):
                paths = (*(path for path, leaf in live.fields.items() if leaf == change.entry.id), *paths)
            revert = self.changes.get(user.address)
            if revert and is_drift_revert(revert) and {*paths} <= {field.path for field in revert.fields}:
                continue
            for path in paths:
                before, after = user.applied.get(path, MISSING), live.fields.get(path, MISSING)
                yield Exposure(change.address, user.address, path, before, after)

    def _connection_exposures(
        self, change: Change, desired: DesiredResource, credential: Address
    ) -> Iterator[Exposure]:
        if self._is_approved_destination(credential, change, desired):
            return
        addresses = self._addresses_of(credential)
        users = [user for address in sorted(addresses) for user in self.users.get(address, ())]
        before: Fields = change.entry.applied if change.entry else {}
        if not addresses & _referenced_addresses(before):
            before = {}
        is_known = any(
            self._has_same_destination(user, desired, before if user.address in addresses else None)
            for user in users
        )
        if is_known or self._is_adopted_unchanged(change, desired):
            return
        paths = self._destination_paths(desired, before)
        new_paths = [path for path in paths if not _was_applied_before(users, path, desired)]
        for path in new_paths or paths:
            yield Exposure(
                credential, change.address, path, before.get(path, MISSING), desired.fields.get(path, MISSING)
            )

    def _is_approved_destination(self, credential: Address, change: Change, desired: DesiredResource) -> bool:
        # The approval of a planned destination ends when the connection is written after the secret.
        credential_change = self.changes.get(credential)
        entry = credential_change.entry if credential_change else self.inputs.entries.get(credential)
        if entry is None or (change.entry and _is_written_since(change.entry, entry)):
            return False
        secrets = credential_change.secrets if credential_change else ()
        if any(secret.status is not SecretStatus.UNCHANGED for secret in secrets):
            return False
        return (
            bool(entry.destinations)
            and _destination_digest(desired, self.is_destination) in entry.destinations
        )

    def _addresses_of(self, credential: Address) -> frozenset[Address]:
        change = self.changes.get(credential)
        return frozenset({credential, change.entry.address} if change and change.entry else {credential})

    def _is_adopted_unchanged(self, change: Change, desired: DesiredResource) -> bool:
        # An adopted connection whose destination does not change already sends the secret there.
        if change.entry or change.live is None:
            return False
        destinations = self._destination_paths(desired, change.live.fields)
        references = {path for path, leaf in desired.fields.items() if isinstance(leaf, Address)}
        return not {field.path for field in change.fields} & {*destinations, *references}

    def _has_same_destination(
        self, user: StateEntry, desired: DesiredResource, before: Fields | None
    ) -> bool:
        # ``before`` is given for the credential itself: its own destination fields allow a
        # connection to the same destination only if the credential states all of them.
        others = user.applied if before is None else before
        return all(
            values_equal(user.applied.get(path, MISSING), desired.fields.get(path, MISSING))
            and (before is None or path in user.applied)
            for path in self._destination_paths(desired, others)
        )

    def _destination_paths(self, desired: DesiredResource, before: Fields) -> list[FieldPath]:
        return [
            path
            for path in sorted({*desired.fields, *before})
            if self.is_destination(desired.address.kind, desired.type, path)
        ]

    def _retains_secret(self, change: Change) -> bool:
        retained = _RETAINED_STATUSES
        if change.action is Action.REPLACE:
            retained = retained - {SecretStatus.CLEARED}
        is_retained = any(secret.status in retained for secret in change.secrets)
        return (is_retained and change.action is not Action.CREATE) or self._repeats_secret(change)

    def _repeats_secret(self, change: Change) -> bool:
        # A secret with a recorded fingerprint is not new, even if it is written again.
        if change.entry is None:
            return False
        entry = self.true_entries.get(change.entry.address, change.entry)
        return any(
            entry.fingerprints.get(path) == value or f"{to_json_pointer(path)}:{value}" in entry.earlier
            for path, value in self.inputs.fingerprints.get(change.address, {}).items()
        )

    def _credential_retains_secret(self, credential: Address) -> bool:
        change = self.changes.get(credential)
        if change is None:
            desired = self.inputs.desired.get(credential)
            return bool(desired and (desired.secrets or desired.kept_secrets))
        return self._retains_secret(change)


def _was_applied_before(users: Iterable[StateEntry], path: FieldPath, desired: DesiredResource) -> bool:
    value = desired.fields.get(path, MISSING)
    return any(path in user.applied and values_equal(user.applied[path], value) for user in users)


def _is_written_since(entry: StateEntry, other: StateEntry) -> bool:
    written, since = parse_timestamp(entry.updated_at), parse_timestamp(other.updated_at)
    if written is None or since is None:
        return entry.updated_at >= other.updated_at
    return written >= since


def _destination_digest(desired: DesiredResource, is_destination: DestinationPredicate) -> str:
    kind, name, fields = desired.address.kind, desired.address.name, desired.fields
    paths = [
        path
        for path, leaf in fields.items()
        if is_destination(kind, desired.type, path) or isinstance(leaf, Address)
    ]
    return compute_seal(kind, name, desired.type, select_fields(fields, paths))


def _live_users_by_id(inputs: PlanInputs) -> dict[str, list[tuple[StateEntry, LiveObject]]]:
    # An index, because a search of all entries for each rotation takes quadratic time.
    ids = {entry.id for entry in inputs.entries.values()}
    users: dict[str, list[tuple[StateEntry, LiveObject]]] = {}
    for entry in inputs.entries.values():
        live = inputs.live.get(entry.id)
        if live is not None and live.status != "deleted":
            for identity in {leaf for leaf in live.fields.values() if isinstance(leaf, str)} & ids:
                users.setdefault(identity, []).append((entry, live))
    return users


def _users_by_address(entries: Iterable[StateEntry]) -> dict[Address, list[StateEntry]]:
    # An index, because a search of all entries for each change takes quadratic time. The credential
    # itself counts as one of its users.
    users: dict[Address, list[StateEntry]] = {}
    for entry in entries:
        for address in {entry.address, *_referenced_addresses(entry.applied)}:
            users.setdefault(address, []).append(entry)
    return users


def _referenced_addresses(fields: Fields) -> frozenset[Address]:
    return frozenset(leaf for leaf in fields.values() if isinstance(leaf, Address))
