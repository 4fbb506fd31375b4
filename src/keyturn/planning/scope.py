"""Scope of a plan: protected and untargeted resources are removed from the inputs of the diff.

The diff then computes no change for them. Filtering its results instead would have to cover every
kind of change.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import (
    Diagnostic,
    DiagnosticError,
    Severity,
    error_diagnostic,
    find_nearest_name,
)
from keyturn.model.resource import DesiredResource, StateEntry
from keyturn.planning.inputs import PlanInputs


class ScopedInputs(Struct, frozen=True):
    """The inputs in scope, and diagnostics about protected resources."""

    inputs: PlanInputs
    diagnostics: tuple[Diagnostic, ...]


def limit_scope(inputs: PlanInputs, targets: tuple[str, ...] = (), today: str = "") -> ScopedInputs:
    """Remove protected and untargeted resources from the inputs.

    ``targets`` are addresses, names or patterns (``credential/prod-*``); none selects everything.
    References of targeted resources are included. The protection recorded in the state counts, so
    deleting a manifest together with its ``protect`` is still an error. A replaced credential is
    excluded until the retirement date of its entry; ``today`` is an ISO date, empty for an unknown day.
    Raises DiagnosticError (KT460) for a target that matches nothing.
    """
    selected = _select_targets(inputs, targets)
    protected = sorted(
        (entry for entry in selected.entries.values() if _is_protected(entry, selected)),
        key=lambda entry: entry.address,
    )
    excluded = {entry.address for entry in protected}
    excluded |= {entry.address for entry in selected.entries.values() if _is_kept(entry, today)}
    entries = {address: entry for address, entry in selected.entries.items() if address not in excluded}
    return ScopedInputs(replace(selected, entries=entries), tuple(map(_protected_error, protected)))


def matches_target(address: Address, target: str) -> bool:
    """Tell whether a target matches an address: in full, by name, or as a pattern."""
    return fnmatchcase(str(address), target) or fnmatchcase(address.name, target)


def _is_kept(entry: StateEntry, today: str) -> bool:
    retires_on = entry.generation.retires_on if entry.generation else ""
    return bool(retires_on) and (not today or date.fromisoformat(today) < date.fromisoformat(retires_on))


def _is_protected(entry: StateEntry, inputs: PlanInputs) -> bool:
    if not entry.protect or entry.retired_at or entry.generation or entry.address in inputs.desired:
        return False
    return not any(
        Address(desired.address.kind, desired.lifecycle.moved_from) == entry.address
        for desired in inputs.desired.values()
    )


def _protected_error(entry: StateEntry) -> Diagnostic:
    return Diagnostic(
        code="KT454",
        severity=Severity.ERROR,
        message=f"{entry.address} is protected, but its manifest was deleted",
        origin=SourceLocation("state"),
        hint="restore the manifest, apply it once with `lifecycle: {protect: false}`, then delete it",
        address=entry.address,
    )


def _select_targets(inputs: PlanInputs, targets: tuple[str, ...]) -> PlanInputs:
    if not targets:
        return inputs
    addresses = {*inputs.desired, *inputs.entries}
    selected = {address for address in addresses if any(matches_target(address, each) for each in targets)}
    unmatched = [each for each in targets if not any(matches_target(address, each) for address in addresses)]
    if unmatched:
        raise DiagnosticError(*(_unmatched_target_error(each, addresses) for each in unmatched))
    selected |= _referenced_addresses(selected, inputs.desired)
    selected |= {
        Address(address.kind, inputs.desired[address].lifecycle.moved_from)
        for address in selected
        if address in inputs.desired and inputs.desired[address].lifecycle.moved_from
    }
    return replace(
        inputs,
        desired={address: each for address, each in inputs.desired.items() if address in selected},
        entries={address: each for address, each in inputs.entries.items() if address in selected},
    )


def _referenced_addresses(
    addresses: Iterable[Address], desired: Mapping[Address, DesiredResource]
) -> set[Address]:
    return {
        leaf
        for address in addresses
        if address in desired
        for leaf in desired[address].fields.values()
        if isinstance(leaf, Address)
    }


def _unmatched_target_error(target: str, addresses: Iterable[Address]) -> Diagnostic:
    known = {word for address in addresses for word in (str(address), address.name)}
    near = find_nearest_name(target, known)
    forms = "use credential/NAME, connection/NAME or a pattern such as 'connection/prod-*'"
    return error_diagnostic(
        "KT460",
        SourceLocation("--target"),
        f"the target {target} matches nothing in the manifests or the state",
        f"did you mean {near}?" if near else forms,
    )
