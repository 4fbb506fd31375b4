"""Checks references between manifests: existing target, compatible type, no cycle."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity, error_diagnostic, find_nearest_name
from keyturn.model.fields import FieldPath, format_path
from keyturn.policy.resource_view import ResourceView
from keyturn.schema.definitions import credential_types_of, load_type_schema

ResourceLookup: TypeAlias = Callable[[Address], ResourceView | None]

MAX_SUGGESTIONS: Final = 20
"""The maximum number of unresolved references that are compared with all names."""


def find_duplicate_names(resources: Sequence[ResourceView]) -> Iterator[Diagnostic]:
    """Yield KT142 for each manifest with the address of an earlier one."""
    seen: dict[Address, ResourceView] = {}
    for resource in resources:
        first = seen.setdefault(resource.address, resource)
        if first is not resource:
            message = f"{resource.address} has two manifests; the first is {first.file}"
            yield _reference_error(
                "KT142", resource, ("name",), message, "remove one of them, or change its name"
            )


def find_unresolved_references(
    resources: Sequence[ResourceView], find: ResourceLookup, names: Sequence[str]
) -> Iterator[Diagnostic]:
    """Yield KT401 for each reference without target and KT403 for each target of a wrong type.

    ``find`` returns the resource of an address. ``names`` are the addresses for the hints of the first
    ``MAX_SUGGESTIONS`` references without target.
    """
    suggestions = 0
    for resource in resources:
        for path, address in resource.references.items():
            target = find(address)
            if target is None:
                suggestions += 1
                near = find_nearest_name(str(address), names) if suggestions <= MAX_SUGGESTIONS else ""
                hint = f"did you mean {near}?" if near else f"add a manifest for it: {address.name}.yaml"
                message = f"{format_path(path)} refers to {address}, which has no manifest"
                yield _reference_error("KT401", resource, path, message, hint)
            elif path == ("credential",):
                yield from _check_credential_type(resource, target)


def find_reference_cycles(resources: Sequence[ResourceView]) -> Iterator[Diagnostic]:
    """Yield KT402 for each cycle of references, with the locations of all references in it."""
    remaining = {resource.address: resource for resource in resources}
    _remove_acyclic(remaining)
    while remaining:
        steps = _follow_cycle(next(iter(remaining.values())), remaining)
        yield _cycle_error(steps)
        for resource, _ in steps:
            del remaining[resource.address]
        _remove_acyclic(remaining)


def _remove_acyclic(remaining: dict[Address, ResourceView]) -> None:
    users: dict[Address, list[Address]] = {}
    counts = {}
    for address, resource in remaining.items():
        used = {target for target in resource.references.values() if target in remaining}
        counts[address] = len(used)
        for target in used:
            users.setdefault(target, []).append(address)
    free = [address for address, count in counts.items() if not count]
    while free:
        address = free.pop()
        del remaining[address]
        for user in users.get(address, ()):
            counts[user] -= 1
            if not counts[user]:
                free.append(user)


def _follow_cycle(
    resource: ResourceView, remaining: Mapping[Address, ResourceView]
) -> list[tuple[ResourceView, FieldPath]]:
    # Each remaining resource refers to another remaining one, so the walk reaches a cycle.
    visited: dict[Address, int] = {}
    steps: list[tuple[ResourceView, FieldPath]] = []
    while resource.address not in visited:
        visited[resource.address] = len(steps)
        path, address = next(
            (path, target) for path, target in resource.references.items() if target in remaining
        )
        steps.append((resource, path))
        resource = remaining[address]
    return steps[visited[resource.address] :]


def _cycle_error(steps: Sequence[tuple[ResourceView, FieldPath]]) -> Diagnostic:
    cycle = " → ".join(str(resource.address) for resource, _ in [*steps, steps[0]])
    places = ", ".join(str(resource.find_location(path)) for resource, path in steps)
    resource, path = steps[0]
    return _reference_error(
        "KT402", resource, path, f"references form a cycle: {cycle}", f"remove one of them: {places}"
    )


def _check_credential_type(resource: ResourceView, target: ResourceView) -> Iterator[Diagnostic]:
    accepted = credential_types_of(resource.type)
    if not accepted or not target.type or target.type in accepted:
        return
    message = f"a connection of type {resource.type} does not use a credential of type {target.type}"
    hint = f"it uses {' or '.join(accepted)}; {target.address} is in {_locate_type(target)}"
    finding = _reference_error("KT403", resource, ("credential",), message, hint)
    lenient = load_type_schema("connection", resource.type).get("x-open", False)
    yield replace(finding, severity=Severity.WARNING) if lenient else finding


def _locate_type(resource: ResourceView) -> SourceLocation:
    return resource.find_location(("type",))


def _reference_error(
    code: str, resource: ResourceView, path: FieldPath, message: str, hint: str
) -> Diagnostic:
    return replace(
        error_diagnostic(code, resource.find_location(path), message, hint), address=resource.address
    )
