"""Who waits for whom: what a change refers to is done first; what lets go comes before what goes.

A connection that somebody pointed elsewhere is put back before its credential gets a new secret.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.exposing import is_drift_revert, has_secret_writes
from keyturn.core.resource import StateEntry

_IDLE_ACTIONS = frozenset({Action.NO_OP, Action.FORGET, Action.ADOPT})


def resolve_dependencies(changes: tuple[Change, ...], known: Mapping[Address, StateEntry]) -> tuple[Change, ...]:
    """Return the changes with ``after`` filled in: references first, retirements last."""
    planned = {change.address: change for change in changes}
    users = _users_by_address(known)
    return tuple(replace(change, depends_on=_dependencies_of(change, planned, users)) for change in changes)


def _users_by_address(known: Mapping[Address, StateEntry]) -> Mapping[Address, frozenset[Address]]:
    users: dict[Address, set[Address]] = {}
    for entry in known.values():
        for leaf in entry.applied.values():
            if isinstance(leaf, Address):
                users.setdefault(leaf, set()).add(entry.address)
    return {address: frozenset(found) for address, found in users.items()}


def _is_live_user(other: Change, change: Change) -> bool:
    return bool(other.live and change.live and change.live.id in other.live.fields.values())


def _runs_after_user(credential: Change, user: Change) -> bool:
    # What it refers to is there already and can wait, unless it was retired and has to come back.
    there = credential.action is not Action.RESTORE or _is_live_user(user, credential)
    return has_secret_writes(credential) and there


def _dependencies_of(
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
        waits |= {other.address for other in planned.values() if _is_live_user(other, change)}
    elif change.desired:
        waits = {leaf for leaf in change.desired.fields.values() if isinstance(leaf, Address)}
        if has_secret_writes(change):
            waits |= {
                other.address for other in planned.values() if is_drift_revert(other) and _is_live_user(other, change)
            }
        elif is_drift_revert(change):
            waits = {each for each in waits if each in planned and not _runs_after_user(planned[each], change)}
    else:
        waits = set()
    return tuple(sorted(address for address in waits if address in planned and address != change.address))
