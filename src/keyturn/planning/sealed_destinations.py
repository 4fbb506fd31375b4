"""Approval by seals, in a workspace with a key: a secret goes only where a key holder sealed it.

A pair of a credential and a connection is approved if the connection has a valid seal, if the credential
states the same destination (its own seal covers it), or if the connection does not move. Each other pair
is an exposure, also with a new secret and with a new credential.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, Exposure
from keyturn.model.fields import FieldPath, Fields, values_equal
from keyturn.model.resource import DesiredResource
from keyturn.model.secret import Secret
from keyturn.planning.exposure import DestinationPredicate
from keyturn.planning.inputs import PlanInputs

_NON_WRITING_ACTIONS = frozenset({Action.RETIRE, Action.FORGET, Action.NO_OP})
_TLS_MODE_FIELD = "sslMode"
_ENCRYPTED_MODES = frozenset({"require", "verify-ca", "verify-full"})


class SealApproval(Struct, frozen=True, kw_only=True):
    """The inputs of the decision; ``sealed`` are the connections whose seal is valid."""

    inputs: PlanInputs
    is_destination: DestinationPredicate
    sealed: frozenset[Address]

    def judge_changes(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Return the changes without sealed exposures, and with those of pairs that are not sealed."""
        return tuple(replace(change, exposures=tuple(self._judge_change(change))) for change in changes)

    def _judge_change(self, change: Change) -> Iterator[Exposure]:
        unsealed = [each for each in change.exposures if not self._is_sealed(change, each)]
        yield from unsealed
        if (
            change.desired is None
            or change.address.kind != "connection"
            or change.action in _NON_WRITING_ACTIONS
        ):
            return
        judged = {each.address for each in change.exposures}
        for credential in sorted(_list_references(change.desired.fields) - judged):
            if not self._is_approved_pair(change, change.desired, credential):
                yield from self._expose_pair(change, change.desired, credential)

    def _is_sealed(self, change: Change, exposure: Exposure) -> bool:
        desired = change.desired
        if desired is None or exposure.through != change.address:
            return False  # the live object of another resource moved: no manifest says so
        if exposure.through == exposure.address:
            return _has_verified_seal(desired)
        return change.address in self.sealed or self._is_covered(desired, exposure.address)

    def _is_approved_pair(self, change: Change, desired: DesiredResource, credential: Address) -> bool:
        return (
            change.address in self.sealed
            or self._is_covered(desired, credential)
            or self._is_unmoved(change, desired, credential)
        )

    def _is_covered(self, desired: DesiredResource, credential: Address) -> bool:
        stated = self.inputs.desired.get(credential)
        if stated is None:
            return False
        paths = self._list_destinations(desired, desired.fields)
        named = [path for path in paths if not _is_encrypted_mode(path, desired.fields.get(path))]
        return bool(named) and all(
            path in stated.fields and values_equal(stated.fields[path], desired.fields[path])
            for path in named
        )

    def _is_unmoved(self, change: Change, desired: DesiredResource, credential: Address) -> bool:
        before = self._find_before(change, credential)
        return before is not None and all(
            values_equal(before.get(path, MISSING), desired.fields.get(path, MISSING))
            for path in self._list_destinations(desired, {**before, **desired.fields})
        )

    def _find_before(self, change: Change, credential: Address) -> Fields | None:
        previous = {credential, self._find_previous_address(credential)}
        if change.entry is not None:
            return change.entry.applied if previous & _list_references(change.entry.applied) else None
        entry = next((self.inputs.entries[each] for each in previous if each in self.inputs.entries), None)
        if change.live is None or entry is None or entry.id not in change.live.fields.values():
            return None
        return change.live.fields

    def _find_previous_address(self, credential: Address) -> Address:
        desired = self.inputs.desired.get(credential)
        moved_from = desired.lifecycle.moved_from if desired else ""
        return Address(credential.kind, moved_from) if moved_from else credential

    def _expose_pair(
        self, change: Change, desired: DesiredResource, credential: Address
    ) -> Iterator[Exposure]:
        before: Fields = self._find_before(change, credential) or {}
        for path in self._list_destinations(desired, {**before, **desired.fields}):
            then, now = before.get(path, MISSING), desired.fields.get(path, MISSING)
            if not values_equal(then, now):
                yield Exposure(credential, change.address, path, then, now)

    def _list_destinations(self, desired: DesiredResource, fields: Fields) -> list[FieldPath]:
        kind, type_ = desired.address.kind, desired.type
        return [path for path in sorted(fields) if self.is_destination(kind, type_, path)]


def _has_verified_seal(credential: DesiredResource) -> bool:
    # Decryption verifies the seal, which covers every destination field of the credential.
    return bool(credential.secrets) and all(isinstance(each, Secret) for each in credential.secrets.values())


def _is_encrypted_mode(path: FieldPath, value: object) -> bool:
    return path[-1] == _TLS_MODE_FIELD and value in _ENCRYPTED_MODES


def _list_references(fields: Fields) -> frozenset[Address]:
    return frozenset(leaf for leaf in fields.values() if isinstance(leaf, Address))
