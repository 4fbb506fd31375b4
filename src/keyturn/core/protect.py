"""Hands off: what must not be touched is taken out of the diff's inputs, not out of its results.

If you do not want a thing deleted, it must look as if it were wanted. Filtering what a diff
answers needs every edge case thought of; filtering what it is asked does not.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.inputs import Inputs
from keyturn.core.resource import Desired, Known

UNTIL = "-until-"
"""What stands between the name of a credential's old generation and the day on which it may go.

Behind the day, an ISO date, may stand a tail: two generations of one credential may go on one day.
"""

_DATE = len("2026-03-09")

NEXT = "-next-"
"""What stands between the name and a random tail of a credential that is about to take over."""


class Hands(Struct, frozen=True):
    """The inputs that are left, and what was held back and why."""

    inputs: Inputs
    findings: tuple[Diagnostic, ...]


def protect(inputs: Inputs, targets: tuple[str, ...] = (), today: str = "") -> Hands:
    """Take out what is protected and what is not targeted.

    ``targets`` are addresses or patterns (``credential/prod-*``, or a bare name); none means all.
    What a target refers to comes along. Protection counts if the ledger says so, so removing a
    file together with its ``protect`` still blocks. An old generation is left alone until its
    day; ``today`` is an ISO date.
    """
    chosen, findings = _targeted(inputs, targets)
    held = [known for known in chosen.known.values() if _shielded(known, chosen)]
    kept = {known.address for known in held}
    kept |= {address for address in chosen.known if today < address.name.partition(UNTIL)[2][:_DATE]}
    rest = {address: known for address, known in chosen.known.items() if address not in kept}
    refused = tuple(_refusal(known) for known in sorted(held, key=lambda each: each.address))
    return Hands(replace(chosen, known=rest), (*findings, *refused))


def _shielded(known: Known, inputs: Inputs) -> bool:
    if not known.protect or known.retired_at or known.address in inputs.desired:
        return False
    return not any(
        Address(desired.address.kind, desired.lifecycle.moved_from) == known.address
        for desired in inputs.desired.values()
    )


def _refusal(known: Known) -> Diagnostic:
    return Diagnostic(
        code="KT454",
        severity=Severity.ERROR,
        message=f"{known.address} is protected, and its manifest is gone",
        origin=Origin("ledger"),
        hint="bring the manifest back, apply it once with `lifecycle: {protect: false}`, then remove it",
        address=known.address,
    )


def _targeted(inputs: Inputs, targets: tuple[str, ...]) -> tuple[Inputs, tuple[Diagnostic, ...]]:
    if not targets:
        return inputs, ()
    everything = {*inputs.desired, *inputs.known}
    chosen = {address for address in everything if any(matches(address, target) for target in targets)}
    missed = [target for target in targets if not any(matches(address, target) for address in everything)]
    chosen |= _referred(chosen, inputs.desired)
    chosen |= {
        Address(address.kind, inputs.desired[address].lifecycle.moved_from)
        for address in chosen
        if address in inputs.desired and inputs.desired[address].lifecycle.moved_from
    }
    narrowed = replace(
        inputs,
        desired={one: each for one, each in inputs.desired.items() if one in chosen},
        known={one: each for one, each in inputs.known.items() if one in chosen},
    )
    return narrowed, tuple(map(_missed, missed))


def matches(address: Address, target: str) -> bool:
    """Tell whether a target names an address: in full, by its bare name, or as a pattern."""
    return fnmatchcase(str(address), target) or fnmatchcase(address.name, target)


def _referred(chosen: Iterable[Address], desired: Mapping[Address, Desired]) -> set[Address]:
    return {
        leaf
        for address in chosen
        if address in desired
        for leaf in desired[address].fields.values()
        if isinstance(leaf, Address)
    }


def _missed(target: str) -> Diagnostic:
    return Diagnostic(
        code="KT460",
        severity=Severity.ERROR,
        message=f"the target {target} names nothing in git or in the ledger",
        origin=Origin("--target"),
        hint="write credential/NAME, connection/NAME or a pattern such as 'connection/prod-*'",
    )
