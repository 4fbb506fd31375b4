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

from keyturn.core.address import Address
from keyturn.core.change import ABSENT, Action, Change, Exposure, SecretState
from keyturn.core.exposure import destination, seal
from keyturn.core.fields import Fields, Path, pointer, same
from keyturn.core.inputs import Inputs
from keyturn.core.resource import EMPTY, Desired, Known, Live

Leads: TypeAlias = Callable[[str, str, Path], bool]
"""Tells of a kind, a type and a path whether the field says where a secret goes."""

WRITTEN = frozenset({SecretState.SET, SecretState.ROTATED, SecretState.REUSED})
"""States of a secret that is about to be sent."""

_STAYS = frozenset(
    {
        SecretState.UNCHANGED,
        SecretState.KEPT,
        SecretState.UNKNOWN,
        SecretState.SUSPECT,
        SecretState.REUSED,
        # A service that merges keeps what is no longer sent.
        SecretState.CLEARED,
    }
)
_ANEW = frozenset({Action.CREATE, Action.REPLACE})
_SILENT = frozenset({Action.RETIRE, Action.FORGET, Action.NOTE})


def expose(
    changes: tuple[Change, ...], inputs: Inputs, leads: Leads, ledger: Mapping[Address, Known] = EMPTY
) -> tuple[Change, ...]:
    """Return the changes with the exposures that each of them brings.

    ``ledger`` is what is truly known, where the inputs pretend to know less so that a secret is
    written again: the same value is no new secret for that.
    """
    users = _users(inputs.known.values()) if changes else {}
    holders = _holders(inputs) if any(map(writes_secrets, changes)) else {}
    view = _View({change.address: change for change in changes}, inputs, leads, users, holders, ledger)
    return tuple(replace(change, exposures=tuple(view.exposures(change))) for change in changes)


def sends(changes: Iterable[Change], leads: Leads) -> dict[Address, tuple[str, ...]]:
    """Return by credential the digests of where connections of these changes send its secrets."""
    found: dict[Address, list[str]] = {}
    for change in changes:
        if change.desired and change.address.kind == "connection" and change.action not in _SILENT:
            for credential in _links(change.desired.fields):
                found.setdefault(credential, []).append(_place(change.desired, leads))
    return {credential: tuple(sorted(places)) for credential, places in found.items()}


def _place(desired: Desired, leads: Leads) -> str:
    kind, name, fields = desired.address.kind, desired.address.name, desired.fields
    paths = [path for path in fields if leads(kind, desired.type, path) or isinstance(fields[path], Address)]
    return seal(kind, name, desired.type, destination(fields, paths))


def restores(change: Change) -> bool:
    """Whether all that a change of a live object does is to put back what was applied."""
    return bool(change.live and change.fields) and all(
        same(field.applied, field.wanted) for field in change.fields
    )


def writes_secrets(change: Change) -> bool:
    """Whether a live object is sent another secret than it holds."""
    anew = change.live is None or change.action in _ANEW or change.action in _SILENT
    return not anew and any(secret.state in WRITTEN for secret in change.secrets)


def strayed(known: Known, live: Live, leads: Leads) -> tuple[Path, ...]:
    """Return where a live object sends secrets to another place than the one it was applied with.

    A field that git does not state and that was not there when the object was made counts too.
    """
    paths = set(known.observed)
    if live.detailed:
        paths |= {path for path in live.fields if path not in known.applied}
    return tuple(
        path
        for path in sorted(paths)
        if leads(live.address.kind, live.type, path)
        and not same(known.observed.get(path, ABSENT), live.fields.get(path, ABSENT))
    )


class _View(Struct, frozen=True):
    changes: Mapping[Address, Change]
    inputs: Inputs
    leads: Leads
    users: Mapping[Address, list[Known]]
    holders: Mapping[str, list[tuple[Known, Live]]]
    ledger: Mapping[Address, Known]

    def exposures(self, change: Change) -> Iterator[Exposure]:
        if change.desired is None or change.action in _SILENT:
            return
        if change.address.kind == "credential":
            yield from self._moved(change, change.desired)
            yield from self._misled(change)
        for credential in sorted(
            {leaf for leaf in change.desired.fields.values() if isinstance(leaf, Address)}
        ):
            if self._stays(credential):
                yield from self._pointed(change, change.desired, credential)

    def _moved(self, change: Change, desired: Desired) -> Iterator[Exposure]:
        if not self._retained(change):
            return
        live: Fields = change.live.fields if change.live else {}
        before = change.known.applied if change.known else live
        for path in self._leading(desired.address.kind, (desired.type, desired.fields), before):
            wanted = desired.fields.get(path, ABSENT)
            if not same(before.get(path, ABSENT), wanted):
                yield Exposure(change.address, change.address, path, live.get(path, ABSENT), wanted)

    def _misled(self, change: Change) -> Iterator[Exposure]:
        if change.known is None or not writes_secrets(change):
            return
        for known, live in self.holders.get(change.known.id, ()):
            paths = strayed(known, live, self.leads)
            if change.known.address not in _links(known.applied):
                paths = (*(path for path, leaf in live.fields.items() if leaf == change.known.id), *paths)
            repair = self.changes.get(known.address)
            if repair and restores(repair) and {*paths} <= {field.path for field in repair.fields}:
                continue
            for path in paths:
                before, after = known.applied.get(path, ABSENT), live.fields.get(path, ABSENT)
                yield Exposure(change.address, known.address, path, before, after)

    def _pointed(self, change: Change, desired: Desired, credential: Address) -> Iterator[Exposure]:
        if self._shown(credential, change, desired):
            return
        names = self._names(credential)
        holders = [known for name in sorted(names) for known in self.users.get(name, ())]
        before: Fields = change.known.applied if change.known else {}
        if not names & _links(before):
            before = {}
        states = (
            self._covers(known, desired, before if known.address in names else None) for known in holders
        )
        if self._as_found(change, desired) or any(states):
            return
        paths = self._leading(desired.address.kind, (desired.type, desired.fields), before)
        news = [path for path in paths if not self._been(holders, path, desired)]
        for path in news or paths:
            yield Exposure(
                credential, change.address, path, before.get(path, ABSENT), desired.fields.get(path, ABSENT)
            )

    def _shown(self, credential: Address, change: Change, desired: Desired) -> bool:
        # Until the connection was written after the secret: then what was shown is done with.
        holder = self.changes.get(credential)
        known = holder.known if holder else self.inputs.known.get(credential)
        if known is None or (change.known and change.known.updated_at >= known.updated_at):
            return False
        held = not holder or all(each.state is SecretState.UNCHANGED for each in holder.secrets)
        return held and bool(known.destinations) and _place(desired, self.leads) in known.destinations

    def _names(self, credential: Address) -> frozenset[Address]:
        change = self.changes.get(credential)
        return frozenset({credential, change.known.address} if change and change.known else {credential})

    def _as_found(self, change: Change, desired: Desired) -> bool:
        # What is taken over as it stands goes nowhere that it did not go before.
        if change.known or change.live is None:
            return False
        leading = self._leading(desired.address.kind, (desired.type, desired.fields), change.live.fields)
        links = {path for path, leaf in desired.fields.items() if isinstance(leaf, Address)}
        return not {field.path for field in change.fields} & {*leading, *links}

    def _covers(self, known: Known, desired: Desired, before: Fields | None) -> bool:
        # A credential that states a place itself may be used there, as long as nothing is left out.
        others = known.applied if before is None else before
        return all(
            same(known.applied.get(path, ABSENT), desired.fields.get(path, ABSENT))
            and (before is None or path in known.applied)
            for path in self._leading(desired.address.kind, (desired.type, desired.fields), others)
        )

    def _been(self, holders: Iterable[Known], path: Path, desired: Desired) -> bool:
        wanted = desired.fields.get(path, ABSENT)
        return any(path in known.applied and same(known.applied[path], wanted) for known in holders)

    def _leading(self, kind: str, now: tuple[str, Fields], before: Fields) -> list[Path]:
        name, fields = now
        return [path for path in sorted({*fields, *before}) if self.leads(kind, name, path)]

    def _retained(self, change: Change) -> bool:
        staying = _STAYS - {SecretState.CLEARED} if change.action is Action.REPLACE else _STAYS
        stays = change.action is not Action.CREATE and any(one.state in staying for one in change.secrets)
        return stays or self._again(change)

    def _again(self, change: Change) -> bool:
        # Made or written again, for whatever reason: the same secret is no new one for that.
        if change.known is None:
            return False
        known = self.ledger.get(change.known.address, change.known)
        return any(
            known.fingerprints.get(path) == value or f"{pointer(path)}:{value}" in known.earlier
            for path, value in self.inputs.prints.get(change.address, {}).items()
        )

    def _stays(self, credential: Address) -> bool:
        change = self.changes.get(credential)
        if change is None:
            desired = self.inputs.desired.get(credential)
            return bool(desired and (desired.secrets or desired.keep))
        return self._retained(change)


def _holders(inputs: Inputs) -> dict[str, list[tuple[Known, Live]]]:
    # Ours, by the ids that they hold live: rotations by the thousand would each look at everything.
    ids = {known.id for known in inputs.known.values()}
    held: dict[str, list[tuple[Known, Live]]] = {}
    for known in inputs.known.values():
        live = inputs.live.get(known.id)
        if live is not None and live.status != "deleted":
            for identity in {leaf for leaf in live.fields.values() if isinstance(leaf, str)} & ids:
                held.setdefault(identity, []).append((known, live))
    return held


def _users(entries: Iterable[Known]) -> dict[Address, list[Known]]:
    # Worked out once: to ask the whole ledger for each change is quadratic in the fleet.
    users: dict[Address, list[Known]] = {}
    for known in entries:
        for address in {known.address, *_links(known.applied)}:
            users.setdefault(address, []).append(known)
    return users


def _links(fields: Fields) -> frozenset[Address]:
    return frozenset(leaf for leaf in fields.values() if isinstance(leaf, Address))
