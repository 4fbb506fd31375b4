"""Who waits for whom: what a change refers to is done first; what lets go comes before what goes.

A connection that somebody pointed elsewhere is put back before its credential gets a new secret.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.exposing import restores, writes_secrets
from keyturn.core.resource import Known

_IDLE = frozenset({Action.NOTE, Action.FORGET, Action.ADOPT})


def order(changes: tuple[Change, ...], known: Mapping[Address, Known]) -> tuple[Change, ...]:
    """Return the changes with ``after`` filled in: references first, retirements last."""
    planned = {change.address: change for change in changes}
    users = _users(known)
    return tuple(replace(change, after=_after(change, planned, users)) for change in changes)


def _users(known: Mapping[Address, Known]) -> Mapping[Address, frozenset[Address]]:
    users: dict[Address, set[Address]] = {}
    for entry in known.values():
        for leaf in entry.applied.values():
            if isinstance(leaf, Address):
                users.setdefault(leaf, set()).add(entry.address)
    return {address: frozenset(found) for address, found in users.items()}


def _holds(other: Change, change: Change) -> bool:
    return bool(other.live and change.live and change.live.id in other.live.fields.values())


def _follows(credential: Change, user: Change) -> bool:
    # What it refers to is there already and can wait, unless it was retired and has to come back.
    there = credential.action is not Action.RESTORE or _holds(user, credential)
    return writes_secrets(credential) and there


def _after(
    change: Change, planned: Mapping[Address, Change], users: Mapping[Address, frozenset[Address]]
) -> tuple[Address, ...]:
    if change.action is Action.RETIRE:
        # A user that was renamed in the same plan stands under its new address.
        moved = {
            Address(other.address.kind, other.renamed_from): other.address
            for other in planned.values()
            if other.renamed_from
        }
        waits = {moved.get(user, user) for user in users.get(change.address, frozenset())}
        waits |= {other.address for other in planned.values() if _holds(other, change)}
    elif change.desired:
        waits = {leaf for leaf in change.desired.fields.values() if isinstance(leaf, Address)}
        if writes_secrets(change):
            waits |= {
                other.address for other in planned.values() if restores(other) and _holds(other, change)
            }
        elif restores(change):
            waits = {each for each in waits if each in planned and not _follows(planned[each], change)}
    else:
        waits = set()
    return tuple(sorted(address for address in waits if address in planned and address != change.address))
