"""Hands off: what must not be touched is taken out of the diff's inputs, not out of its results.

If you do not want a thing deleted, it must look as if it were wanted. Filtering what a diff
answers needs every edge case thought of; filtering what it is asked does not.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.resource import DesiredResource, StateEntry
from keyturn.planning.inputs import PlanInputs

RETIRES_ON_INFIX = "-until-"
"""What stands between the name of a credential's old generation and the day on which it may go.

Behind the day, an ISO date, may stand a tail: two generations of one credential may go on one day.
"""

_DATE_LENGTH = len("2026-03-09")

SUCCESSOR_INFIX = "-next-"
"""What stands between the name and a random tail of a credential that is about to take over."""


class ScopedInputs(Struct, frozen=True):
    """The inputs that are left, and what was held back and why."""

    inputs: PlanInputs
    diagnostics: tuple[Diagnostic, ...]


def limit_scope(inputs: PlanInputs, targets: tuple[str, ...] = (), today: str = "") -> ScopedInputs:
    """Take out what is protected and what is not targeted.

    ``targets`` are addresses or patterns (``credential/prod-*``, or a bare name); none means all.
    What a target refers to comes along. Protection counts if the state says so, so removing a
    file together with its ``protect`` still blocks. An old generation is left alone until its
    day; ``today`` is an ISO date.
    """
    chosen, findings = _select_targets(inputs, targets)
    held = [known for known in chosen.entries.values() if _is_protected(known, chosen)]
    kept = {known.address for known in held}
    kept |= {
        address
        for address in chosen.entries
        if today < address.name.partition(RETIRES_ON_INFIX)[2][:_DATE_LENGTH]
    }
    rest = {address: known for address, known in chosen.entries.items() if address not in kept}
    refused = tuple(_protected_error(known) for known in sorted(held, key=lambda each: each.address))
    return ScopedInputs(replace(chosen, entries=rest), (*findings, *refused))


def _is_protected(known: StateEntry, inputs: PlanInputs) -> bool:
    if not known.protect or known.retired_at or known.address in inputs.desired:
        return False
    return not any(
        Address(desired.address.kind, desired.lifecycle.moved_from) == known.address
        for desired in inputs.desired.values()
    )


def _protected_error(known: StateEntry) -> Diagnostic:
    return Diagnostic(
        code="KT454",
        severity=Severity.ERROR,
        message=f"{known.address} is protected, and its manifest is gone",
        origin=SourceLocation("state"),
        hint="bring the manifest back, apply it once with `lifecycle: {protect: false}`, then remove it",
        address=known.address,
    )


def _select_targets(
    inputs: PlanInputs, targets: tuple[str, ...]
) -> tuple[PlanInputs, tuple[Diagnostic, ...]]:
    if not targets:
        return inputs, ()
    everything = {*inputs.desired, *inputs.entries}
    chosen = {address for address in everything if any(matches_target(address, target) for target in targets)}
    missed = [
        target for target in targets if not any(matches_target(address, target) for address in everything)
    ]
    chosen |= _referenced_addresses(chosen, inputs.desired)
    chosen |= {
        Address(address.kind, inputs.desired[address].lifecycle.moved_from)
        for address in chosen
        if address in inputs.desired and inputs.desired[address].lifecycle.moved_from
    }
    narrowed = replace(
        inputs,
        desired={one: each for one, each in inputs.desired.items() if one in chosen},
        entries={one: each for one, each in inputs.entries.items() if one in chosen},
    )
    return narrowed, tuple(map(_unmatched_target_error, missed))


def matches_target(address: Address, target: str) -> bool:
    """Tell whether a target names an address: in full, by its bare name, or as a pattern."""
    return fnmatchcase(str(address), target) or fnmatchcase(address.name, target)


def _referenced_addresses(
    chosen: Iterable[Address], desired: Mapping[Address, DesiredResource]
) -> set[Address]:
    return {
        leaf
        for address in chosen
        if address in desired
        for leaf in desired[address].fields.values()
        if isinstance(leaf, Address)
    }


def _unmatched_target_error(target: str) -> Diagnostic:
    return Diagnostic(
        code="KT460",
        severity=Severity.ERROR,
        message=f"the target {target} names nothing in git or in the state",
        origin=SourceLocation("--target"),
        hint="write credential/NAME, connection/NAME or a pattern such as 'connection/prod-*'",
    )
