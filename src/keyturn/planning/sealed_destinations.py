"""Approval by seals, in a workspace with a key: a secret goes only where a key holder sealed it.

Judged is the pair of a credential and a connection that will refer to it: by a reference, by the text of
its ID, or because the service keeps a reference that the manifest drops. A pair is approved if the
connection has a valid seal, if it does not move, or, for a new pair, if the credential states the same
destination. Each other pair is an exposure, also with a new secret and with a new credential. A seal covers
what the manifest says: a field that the service will hold instead is an exposure.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, Exposure
from keyturn.model.fields import FieldPath, Fields, values_equal
from keyturn.model.resource import EMPTY, DesiredResource
from keyturn.model.secret import Secret
from keyturn.planning.destination_record import TYPE_PATH, DestinationPredicate
from keyturn.planning.inputs import PlanInputs

_NON_WRITING_ACTIONS = frozenset({Action.RETIRE, Action.FORGET, Action.NO_OP})
_VERIFIED_TLS: tuple[str, str] = ("sslMode", "verify-full")
_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{6,}")


class SealApproval(Struct, frozen=True, kw_only=True):
    """The inputs of the decision.

    ``sealed`` are the connections whose seal is valid; ``credential_ids`` are the addresses of the
    credentials by their IDs in the service.
    """

    inputs: PlanInputs
    is_destination: DestinationPredicate
    sealed: frozenset[Address]
    credential_ids: Mapping[str, Address] = field(default_factory=lambda: EMPTY)

    def judge_changes(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Return the changes without sealed exposures, and with those of pairs that are not sealed."""
        return tuple(replace(change, exposures=tuple(self._judge_change(change))) for change in changes)

    def _judge_change(self, change: Change) -> Iterator[Exposure]:
        yield from (each for each in change.exposures if not self._is_sealed(change, each))
        if (
            change.desired is None
            or change.address.kind != "connection"
            or change.action in _NON_WRITING_ACTIONS
        ):
            return
        judged = {each.address for each in change.exposures}
        for credential in sorted(self._find_credentials(change, change.desired) - judged):
            if self._has_secrets(credential) and not self._is_approved_pair(
                change, change.desired, credential
            ):
                yield from self._expose_pair(change, change.desired, credential)

    def _has_secrets(self, credential: Address) -> bool:
        desired, entry = self.inputs.desired.get(credential), self.inputs.entries.get(credential)
        if desired is None or desired.secrets or desired.kept_secrets:
            return True
        return entry is not None and bool(entry.fingerprints or entry.earlier)

    def _find_credentials(self, change: Change, desired: DesiredResource) -> frozenset[Address]:
        fields: Fields = change.entry.applied if change.entry else change.live.fields if change.live else {}
        dropped = {leaf for path, leaf in fields.items() if path not in desired.fields}
        ids = {word for leaf in desired.fields.values() for word in _list_words(leaf)}
        ids |= {leaf for leaf in dropped if isinstance(leaf, str)}
        named = {self.credential_ids[identity] for identity in ids if identity in self.credential_ids}
        kept = {leaf for leaf in dropped if isinstance(leaf, Address)}
        return frozenset(named | kept | _list_references(desired.fields))

    def _is_sealed(self, change: Change, exposure: Exposure) -> bool:
        desired = change.desired
        if desired is None or exposure.through != change.address:
            return False  # the live object of another resource moved: no manifest says so
        if not _is_stated(desired, exposure):
            return False
        if exposure.through == exposure.address:
            return _has_verified_seal(desired)
        return self._is_approved_pair(change, desired, exposure.address)

    def _is_approved_pair(self, change: Change, desired: DesiredResource, credential: Address) -> bool:
        if change.address in self.sealed:
            return credential in _list_references(desired.fields)
        before = self._find_before(change, credential)
        if before is None:
            return credential in _list_references(desired.fields) and self._is_covered(desired, credential)
        return self._is_unmoved(change, desired, before)

    def _is_covered(self, desired: DesiredResource, credential: Address) -> bool:
        stated = self.inputs.desired.get(credential)
        paths = [
            path
            for path in self._list_destinations(desired, desired.fields)
            if (path[-1], desired.fields[path]) != _VERIFIED_TLS
        ]
        if stated is None or not paths:
            return False
        return all(values_equal(stated.fields.get(path, MISSING), desired.fields[path]) for path in paths)

    def _is_unmoved(self, change: Change, desired: DesiredResource, before: Fields) -> bool:
        known = change.entry or change.live
        return bool(known and known.type == desired.type) and all(
            values_equal(before.get(path, MISSING), desired.fields.get(path, MISSING))
            for path in self._list_destinations(desired, before)
        )

    def _find_before(self, change: Change, credential: Address) -> Fields | None:
        previous = {credential, self._find_previous_address(credential)}
        if change.entry is not None:
            return change.entry.applied if previous & _list_references(change.entry.applied) else None
        live: Fields = change.live.fields if change.live else {}
        used = {self.credential_ids.get(leaf) for leaf in live.values() if isinstance(leaf, str)}
        return None if used.isdisjoint(previous) else live

    def _find_previous_address(self, credential: Address) -> Address:
        desired = self.inputs.desired.get(credential)
        moved_from = desired.lifecycle.moved_from if desired else ""
        return Address(credential.kind, moved_from) if moved_from else credential

    def _expose_pair(
        self, change: Change, desired: DesiredResource, credential: Address
    ) -> Iterator[Exposure]:
        before: Fields = self._find_before(change, credential) or {}
        moved = [
            (path, before.get(path, MISSING), desired.fields.get(path, MISSING))
            for path in self._list_destinations(desired, before)
        ]
        moved = [each for each in moved if not values_equal(each[1], each[2])]
        known = change.entry or change.live
        for path, then, now in moved or [(TYPE_PATH, known.type if known else MISSING, desired.type)]:
            yield Exposure(credential, change.address, path, then, now)

    def _list_destinations(self, desired: DesiredResource, before: Fields) -> list[FieldPath]:
        kind, type_ = desired.address.kind, desired.type
        return [
            path
            for path in sorted({*desired.fields, *before})
            if self.is_destination(kind, type_, path, desired.fields.get(path))
        ]


def list_credential_ids(inputs: PlanInputs) -> dict[str, Address]:
    """Return the addresses of all credentials by ID: live ones, and those of the state."""
    live = {identity: each.address for identity, each in inputs.live.items()}
    known = {entry.id: entry.address for entry in inputs.entries.values()}
    return {key: address for key, address in {**live, **known}.items() if address.kind == "credential"}


def _is_stated(desired: DesiredResource, exposure: Exposure) -> bool:
    # The service may keep a credential that the manifest drops, or a field that it does not state.
    if exposure.through != exposure.address and exposure.address not in _list_references(desired.fields):
        return False
    stated = desired.type if exposure.path == TYPE_PATH else desired.fields.get(exposure.path, MISSING)
    return values_equal(exposure.after, stated)


def _has_verified_seal(credential: DesiredResource) -> bool:
    # Decryption verifies the seal, which covers every destination field of the credential.
    return bool(credential.secrets) and all(isinstance(each, Secret) for each in credential.secrets.values())


def _list_words(leaf: object) -> Iterator[str]:
    return (word for text in _walk_texts(leaf) for word in (text, *_ID_PATTERN.findall(text)))


def _walk_texts(leaf: object) -> Iterator[str]:
    if isinstance(leaf, str):
        yield leaf
    elif isinstance(leaf, Mapping):
        for key, value in leaf.items():
            yield from (str(key), *_walk_texts(value))
    elif isinstance(leaf, list | tuple) and not isinstance(leaf, Address):
        for item in leaf:
            yield from _walk_texts(item)


def _list_references(fields: Fields) -> frozenset[Address]:
    return frozenset(leaf for leaf in fields.values() if isinstance(leaf, Address))
