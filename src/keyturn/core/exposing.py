"""Who would see a secret anew: a destination changes while the secret that goes there stays.

A service that merges what it is sent keeps the stored secret when only the host changes, so
whoever may change a host may read the secret. Such a change is an exposure, and so is a
connection that points a credential at a host where it was never sent before. A destination that
was applied before, by git and through keyturn, is no news.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from keyturn.core.address import Address
from keyturn.core.change import ABSENT, Action, Change, Exposure, SecretState
from keyturn.core.fields import Fields, Path, same
from keyturn.core.inputs import Inputs
from keyturn.core.resource import Desired

_STAYS = frozenset({SecretState.UNCHANGED, SecretState.KEPT, SecretState.UNKNOWN, SecretState.SUSPECT})
_SILENT = frozenset({Action.RETIRE, Action.FORGET, Action.NOTE})


def expose(changes: tuple[Change, ...], inputs: Inputs) -> tuple[Change, ...]:
    """Return the changes with the exposures that each of them brings."""
    by_address = {change.address: change for change in changes}
    return tuple(
        replace(change, exposures=tuple(_exposures(change, by_address, inputs))) for change in changes
    )


def _exposures(change: Change, changes: Mapping[Address, Change], inputs: Inputs) -> Iterator[Exposure]:
    desired = change.desired
    if desired is None or change.action in _SILENT:
        return
    moved = [field for field in change.fields if field.path in desired.destination]
    moved = [field for field in moved if not same(field.applied, field.wanted)]
    if desired.secrets or desired.keep:
        if change.live and any(secret.state in _STAYS for secret in change.secrets):
            for field in moved:
                yield Exposure(change.address, change.address, field.path, field.live, field.wanted)
        return
    for path, credential in _references(desired):
        if not _stays(credential, changes, inputs):
            continue
        news = _destinations(desired) if _pointed_anew(change, path) else {f.path: f.live for f in moved}
        for where, before in news.items():
            after = desired.fields.get(where, ABSENT)
            if not _been_there(credential, where, after, inputs):
                yield Exposure(credential, change.address, where, before, after)


def _references(desired: Desired) -> list[tuple[Path, Address]]:
    return [(path, leaf) for path, leaf in desired.fields.items() if isinstance(leaf, Address)]


def _pointed_anew(change: Change, path: Path) -> bool:
    if change.action is Action.CREATE:
        return True
    return any(field.path == path and not same(field.applied, field.wanted) for field in change.fields)


def _destinations(desired: Desired) -> Fields:
    return {path: ABSENT for path in sorted(desired.destination) if path in desired.fields}


def _stays(credential: Address, changes: Mapping[Address, Change], inputs: Inputs) -> bool:
    change = changes.get(credential)
    if change is None or change.action is Action.RENAME:
        desired = inputs.desired.get(credential)
        return bool(desired and (desired.secrets or desired.keep))
    if change.action is Action.CREATE:
        return False
    return any(secret.state in _STAYS for secret in change.secrets)


def _been_there(credential: Address, path: Path, leaf: object, inputs: Inputs) -> bool:
    for known in inputs.known.values():
        uses = known.address == credential or credential in known.applied.values()
        if uses and path in known.applied and same(known.applied[path], leaf):
            return True
    return False
