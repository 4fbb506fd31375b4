"""Approvals of destinations by name: each exposed credential needs its own."""

from collections.abc import Iterable

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Change, Exposure
from keyturn.planning.inputs import Approvals


def find_unapproved_exposures(
    changes: Iterable[Change], approvals: Approvals
) -> dict[Address, tuple[Exposure, ...]]:
    """Return the exposures without an approval by the address of their change, in order of the credential.

    The name of a connection approves the exposure of its credential only if the plan exposes no other
    credential through it, and no credential of that name.
    """
    exposures = {change.address: change.exposures for change in changes if change.exposures}
    credentials: dict[Address, set[Address]] = {}
    for each in (each for group in exposures.values() for each in group):
        credentials.setdefault(each.through, set()).add(each.address)
    named = {address.name for group in credentials.values() for address in group}

    def is_approved(each: Exposure) -> bool:
        is_only = len(credentials[each.through]) == 1 and each.through.name not in named
        names = {each.address.name, each.through.name} if is_only else {each.address.name}
        return bool(names & approvals.destinations)

    unapproved: dict[Address, tuple[Exposure, ...]] = {}
    for address, group in exposures.items():
        missing = [each for each in group if not is_approved(each)]
        unapproved[address] = tuple(sorted(missing, key=lambda each: each.address))
    return unapproved


def suggest_destination_approval(change: Change, credential: Address, *, has_key: bool = False) -> str:
    """Return the hint for an exposure of a credential; ``has_key``: seals approve destinations."""
    # A credential that the manifest drops may stay attached.
    allow = f"to allow this, pass --allow-destination-change {credential.name}"
    if any(credential in (each.applied, each.live) and each.desired == MISSING for each in change.fields):
        return f"remove the credential in one change, apply it, and move the connection in the next; {allow}"
    if has_key:
        users = sorted({each.through for each in change.exposures} - {credential})
        names = " ".join(map(str, users)) or credential.name
        allow = f"or pass --allow-destination-change {credential.name}"
        return f"ask a key holder to review it and run `keyturn seal {names} --reason TEXT`; {allow}"
    if change.address == credential and any(each.through == credential for each in change.exposures):
        return f"set a new secret in the same change; {allow}"
    return f"restore the destination; {allow}"
