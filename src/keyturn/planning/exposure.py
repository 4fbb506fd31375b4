"""Exposure analysis: an apply that would carry a secret to a destination that nobody approved.

The unit is the pair of a credential and a destination: the type and all destination fields of the
credential, and of the object that refers to it. What counts is what the service will hold after the
apply, under merge and under replace semantics, and not what a manifest says.

A pair is judged if this apply carries a secret there: it writes the secret, or it makes, moves, attaches,
restores or tests the object. It is approved in four cases:

- The state recorded this destination of this credential at a write or an import.
- Credential and object are both new, or only the credential is new and the object does not move.
- The plan that wrote the secret showed the destination, and an interrupted run did not reach it.
- The object is adopted, and the same credential is already in use there.

A new secret approves only destination fields of its own file, which its seal covers.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, Exposure, SecretStatus
from keyturn.model.clock import parse_timestamp
from keyturn.model.fields import FieldPath, Leaf, to_json_pointer, values_equal
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry
from keyturn.model.seal import compute_seal, select_fields
from keyturn.planning.destination_record import (
    NO_RECORD,
    DestinationComparer,
    DestinationPredicate,
    DestinationRecord,
    DestinationRules,
    PredictedObject,
)
from keyturn.planning.inputs import PlanInputs
from keyturn.planning.prediction import NEW_OBJECT_ACTIONS, CredentialIndex, predict_fields

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
_NON_WRITING_ACTIONS = frozenset({Action.RETIRE, Action.FORGET, Action.NO_OP})


def find_exposures(
    changes: tuple[Change, ...],
    inputs: PlanInputs,
    rules: DestinationRules,
    true_entries: Mapping[Address, StateEntry] = EMPTY,
) -> tuple[Change, ...]:
    """Return the changes with their exposures.

    ``true_entries`` are all state entries, unmodified. The entries of ``inputs`` may lack those that are
    out of scope, and the fingerprints of secrets that must be written again.
    """
    if not changes:
        return changes
    entries = {**inputs.entries, **true_entries}
    index = CredentialIndex.from_plan(replace(inputs, entries=entries), changes)
    comparer = DestinationComparer(rules=rules, index=index)
    records = {entry.id: comparer.record_entry(entry) for entry in entries.values()}
    analysis = _ExposureAnalysis(
        changes={change.address: change for change in changes},
        changes_by_id={change.live.id: change for change in changes if change.live},
        inputs=inputs,
        entries=entries,
        comparer=comparer,
        records=records,
        users=_group_records(records.values()),
        live_users=_group_live_users(inputs, index) if any(map(_carries_secret, changes)) else {},
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
            for credential in {leaf for leaf in change.desired.fields.values() if isinstance(leaf, Address)}:
                digests.setdefault(credential, []).append(_destination_digest(change.desired, is_destination))
    return {credential: tuple(sorted(each)) for credential, each in digests.items()}


def is_drift_revert(change: Change) -> bool:
    """Tell whether a change only restores the last applied values of a live object."""
    return bool(change.live and change.fields) and all(
        values_equal(field.applied, field.desired) for field in change.fields
    )


def has_secret_writes(change: Change) -> bool:
    """Tell whether a change writes a new secret to an existing object."""
    if change.live is None or change.action in NEW_OBJECT_ACTIONS | _NON_WRITING_ACTIONS:
        return False
    return any(secret.status in _SENT_STATUSES for secret in change.secrets)


class _ExposureAnalysis(Struct, frozen=True, kw_only=True):
    """``records`` are keyed by object ID, ``live_users`` and ``users`` (records) by credential."""

    changes: Mapping[Address, Change]
    inputs: PlanInputs
    entries: Mapping[Address, StateEntry]
    comparer: DestinationComparer
    records: Mapping[str, DestinationRecord]
    live_users: Mapping[Address, list[LiveObject]]
    changes_by_id: Mapping[str, Change]
    users: Mapping[Address, list[DestinationRecord]]

    def exposures_of(self, change: Change) -> Iterator[Exposure]:
        if change.desired is None or change.action in _NON_WRITING_ACTIONS:
            return
        if change.address.kind == "credential":
            yield from self._own_exposures(change, change.desired)
            if _carries_secret(change):
                yield from self._live_user_exposures(change.address)
        else:
            yield from self._connection_exposures(change)

    def _own_exposures(self, change: Change, desired: DesiredResource) -> Iterator[Exposure]:
        retains = self._retains_secret(change)
        if not retains and (change.live is None or change.action in NEW_OBJECT_ACTIONS):
            return
        record = self._record_of(change)
        if record is None:
            record = self.comparer.record_live(change.live) if change.live and retains else NO_RECORD
        found: dict[FieldPath, Leaf] = {}
        for predicted in self._predict(change):
            for path in self.comparer.find_differences(predicted, record):
                after = predicted.find_value(path)
                # The seal covers what the manifest states, so a new secret may go there.
                if retains or not values_equal(after, desired.fields.get(path, MISSING)):
                    found.setdefault(path, after)
        for path, after in sorted(found.items()):
            yield Exposure(change.address, change.address, path, record.first_value(path), after)

    def _connection_exposures(self, change: Change) -> Iterator[Exposure]:
        record = self._record_of(change)
        found: dict[tuple[Address, FieldPath], Leaf] = {}
        for predicted in self._predict(change):
            for credential, paths in self.comparer.index.find_references(predicted.fields).items():
                user = replace(predicted, references=paths)
                if self._has_secrets(credential) and not self._is_approved(credential, change, user):
                    for path in self._unapproved_paths(credential, record, user):
                        found.setdefault((credential, path), user.find_value(path))
        for credential, path in sorted(found):
            before = (record or NO_RECORD).first_value(path)
            yield Exposure(credential, change.address, path, before, found[credential, path])

    def _live_user_exposures(self, credential: Address) -> Iterator[Exposure]:
        for live in self.live_users.get(credential, ()):
            record = self.records.get(live.id)
            user = PredictedObject(
                kind=live.address.kind,
                type=live.type,
                fields=live.fields,
                references=self.comparer.index.find_references(live.fields)[credential],
                is_live=True,
            )
            if self._is_known_pair(credential, record, user):
                continue
            paths = self._unapproved_paths(credential, record, user)
            if not self._reverts_drift(live, paths):
                for path in paths:
                    before = (record or NO_RECORD).first_value(path)
                    yield Exposure(credential, live.address, path, before, user.find_value(path))

    def _reverts_drift(self, live: LiveObject, paths: tuple[FieldPath, ...]) -> bool:
        # Such a change runs before the secret is written.
        change = self.changes_by_id.get(live.id)
        return (
            change is not None
            and is_drift_revert(change)
            and {*paths} <= {each.path for each in change.fields}
        )

    def _is_approved(self, credential: Address, change: Change, user: PredictedObject) -> bool:
        return (
            self._is_known_pair(credential, self._record_of(change), user)
            or self._is_first_use(credential, change, user)
            or self._is_planned(credential, change, user)
            or self._is_adopted_unchanged(credential, change, user)
        )

    def _is_known_pair(
        self, credential: Address, record: DestinationRecord | None, user: PredictedObject
    ) -> bool:
        known = (*self.users.get(credential, ()), *([record] if record else []))
        return any(self._is_recorded(credential, each, user) for each in known) or self._is_own_host(
            credential, record, user
        )

    def _is_recorded(self, credential: Address, record: DestinationRecord, user: PredictedObject) -> bool:
        return record.has_references(credential, user.references) and not self.comparer.find_differences(
            user, record
        )

    def _is_own_host(
        self, credential: Address, record: DestinationRecord | None, user: PredictedObject
    ) -> bool:
        # The destination fields of the credential itself allow a connection to the same host, if the
        # credential states all of them and the connector is known to use them.
        entry = self._entry_of(credential)
        if entry is None or entry.retired_at:
            return False
        paths = {*self.comparer.list_destinations(user.kind, user.type, user.fields)}
        if record and credential in record.references:
            paths |= {*self.comparer.list_destinations(user.kind, record.type, record.applied)}
        return bool(paths) and all(
            self.comparer.rules.is_named(user.kind, user.type, path)
            and path in entry.applied
            and values_equal(entry.applied[path], user.find_value(path))
            for path in paths
        )

    def _is_first_use(self, credential: Address, change: Change, user: PredictedObject) -> bool:
        made = self.changes.get(credential)
        is_new = (
            made is not None
            and made.action is Action.CREATE
            and not made.entry
            and credential not in self.entries
        )
        if not is_new and not _is_unconfirmed(self._entry_of(credential)):
            return False
        record = self._record_of(change)
        if record is None:
            return change.live is None
        return not self.comparer.find_differences(user, record, ignored=user.references)

    def _is_planned(self, credential: Address, change: Change, user: PredictedObject) -> bool:
        # The approval of a planned destination ends when the connection is written after the secret.
        credential_change = self.changes.get(credential)
        entry, desired = self._entry_of(credential), change.desired
        if entry is None or desired is None or (change.entry and _is_written_since(change.entry, entry)):
            return False
        secrets = credential_change.secrets if credential_change else ()
        if any(secret.status is not SecretStatus.UNCHANGED for secret in secrets):
            return False
        is_destination = self.comparer.rules.is_destination
        is_stated = all(
            path in desired.fields and values_equal(desired.fields[path], leaf)
            for path, leaf in user.fields.items()
            if path in user.references or is_destination(user.kind, user.type, path, leaf)
        )
        return is_stated and _destination_digest(desired, is_destination) in entry.destinations

    def _is_adopted_unchanged(self, credential: Address, change: Change, user: PredictedObject) -> bool:
        # An adopted connection whose destination does not change already has the secret.
        if change.entry or change.live is None:
            return False
        return self._is_recorded(credential, self.comparer.record_live(change.live), user)

    def _unapproved_paths(
        self, credential: Address, record: DestinationRecord | None, user: PredictedObject
    ) -> tuple[FieldPath, ...]:
        if record and record.has_references(credential, user.references):
            return self.comparer.find_differences(user, record)
        paths = self.comparer.list_destinations(user.kind, user.type, user.fields)
        users = self.users.get(credential, ())
        new = [path for path in paths if not _was_applied_before(users, path, user.fields[path])]
        return tuple(new or paths or sorted(user.references))

    def _predict(self, change: Change) -> Iterator[PredictedObject]:
        for fields in predict_fields(change, merges=self.comparer.rules.merges):
            yield PredictedObject(
                kind=change.address.kind,
                type=change.desired.type if change.desired else "",
                fields=fields,
                is_new=change.desired is not None and fields is change.desired.fields,
                is_live=change.live is not None and fields is change.live.fields,
            )

    def _record_of(self, change: Change) -> DestinationRecord | None:
        return self.records.get(change.entry.id) if change.entry else None

    def _entry_of(self, credential: Address) -> StateEntry | None:
        change = self.changes.get(credential)
        return change.entry if change and change.entry else self.entries.get(credential)

    def _has_secrets(self, credential: Address) -> bool:
        desired, entry = self.inputs.desired.get(credential), self._entry_of(credential)
        if desired is None or desired.secrets or desired.kept_secrets:
            return True
        return entry is not None and bool(entry.fingerprints or entry.earlier)

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
        entry = self.entries.get(change.entry.address, change.entry)
        return any(
            entry.fingerprints.get(path) == value or f"{to_json_pointer(path)}:{value}" in entry.earlier
            for path, value in self.inputs.fingerprints.get(change.address, {}).items()
        )


def _is_unconfirmed(entry: StateEntry | None) -> bool:
    # An interrupted run created the credential, and did not record what it wrote: the next one goes on.
    return entry is not None and not (entry.digest or entry.fingerprints or entry.earlier or entry.updated_at)


def _carries_secret(change: Change) -> bool:
    is_restored = change.action is Action.RESTORE and change.address.kind == "credential"
    return has_secret_writes(change) or is_restored


def _was_applied_before(users: Iterable[DestinationRecord], path: FieldPath, value: Leaf) -> bool:
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
        if is_destination(kind, desired.type, path, leaf) or isinstance(leaf, Address)
    ]
    return compute_seal(kind, name, desired.type, select_fields(fields, paths))


def _group_records(records: Iterable[DestinationRecord]) -> dict[Address, list[DestinationRecord]]:
    # An index, because a search of all records for each change takes quadratic time.
    users: dict[Address, list[DestinationRecord]] = {}
    for record in records:
        for credential in record.references if not record.is_retired else ():
            users.setdefault(credential, []).append(record)
    return users


def _group_live_users(inputs: PlanInputs, index: CredentialIndex) -> dict[Address, list[LiveObject]]:
    # An index, because a search of all objects for each rotation takes quadratic time.
    users: dict[Address, list[LiveObject]] = {}
    for live in inputs.live.values():
        if live.status != "deleted" and live.address.kind != "credential":
            for credential in index.find_references(live.fields):
                users.setdefault(credential, []).append(live)
    return users
