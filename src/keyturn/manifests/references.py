"""References between manifests: to something that is there, of a type that fits, and never in a circle."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity, error_diagnostic
from keyturn.model.fields import FieldPath, format_path
from keyturn.policy.resource_view import ResourceView
from keyturn.schema.definitions import credential_types_of, load_type_schema

ResourceLookup: TypeAlias = Callable[[Address], ResourceView | None]


def duplicate_names(subjects: Sequence[ResourceView]) -> Iterator[Diagnostic]:
    """Yield a finding (KT142) for each manifest whose address another one holds already."""
    seen: dict[Address, ResourceView] = {}
    for subject in subjects:
        first = seen.setdefault(subject.address, subject)
        if first is not subject:
            message = f"{subject.address} is described twice; first in {first.file}"
            yield _reference_error(
                "KT142", subject, ("name",), message, "remove one of the two, or give it another name"
            )


def unresolved_references(
    subjects: Sequence[ResourceView], find: ResourceLookup, names: Sequence[str]
) -> Iterator[Diagnostic]:
    """Yield a finding for each reference that leads nowhere (KT401) or to a type that does not fit (KT403).

    ``find`` returns what an address leads to; ``names`` are what a hint may suggest.
    """
    for subject in subjects:
        for path, address in subject.references.items():
            target = find(address)
            if target is None:
                near = get_close_matches(str(address), names, n=1, cutoff=0.6)
                hint = f"did you mean {near[0]}?" if near else f"add a manifest for it: {address.name}.yaml"
                message = f"{format_path(path)} refers to {address}, and no manifest describes it"
                yield _reference_error("KT401", subject, path, message, hint)
            elif path == ("credential",):
                yield from _check_credential_type(subject, target)


def reference_cycles(subjects: Sequence[ResourceView]) -> Iterator[Diagnostic]:
    """Yield a finding (KT402) for each circle of references, with every place that it goes through."""
    left = {subject.address: subject for subject in subjects}
    _remove_acyclic(left)
    while left:
        steps = _follow_cycle(next(iter(left.values())), left)
        yield _cycle_error(steps)
        for subject, _ in steps:
            del left[subject.address]
        _remove_acyclic(left)


def _remove_acyclic(left: dict[Address, ResourceView]) -> None:
    users: dict[Address, list[Address]] = {}
    waits = {}
    for address, subject in left.items():
        used = {each for each in subject.references.values() if each in left}
        waits[address] = len(used)
        for each in used:
            users.setdefault(each, []).append(address)
    free = [address for address, count in waits.items() if not count]
    while free:
        address = free.pop()
        del left[address]
        for user in users.get(address, ()):
            waits[user] -= 1
            if not waits[user]:
                free.append(user)


def _follow_cycle(
    subject: ResourceView, left: Mapping[Address, ResourceView]
) -> list[tuple[ResourceView, FieldPath]]:
    # What is left after trimming always refers to something that is left, so the walk comes round.
    passed: dict[Address, int] = {}
    steps: list[tuple[ResourceView, FieldPath]] = []
    while subject.address not in passed:
        passed[subject.address] = len(steps)
        path, address = next(each for each in subject.references.items() if each[1] in left)
        steps.append((subject, path))
        subject = left[address]
    return steps[passed[subject.address] :]


def _cycle_error(steps: Sequence[tuple[ResourceView, FieldPath]]) -> Diagnostic:
    way = " → ".join(str(subject.address) for subject, _ in [*steps, steps[0]])
    places = ", ".join(str(subject.find_location(path)) for subject, path in steps)
    subject, path = steps[0]
    return _reference_error(
        "KT402", subject, path, f"references go in a circle: {way}", f"remove one of them: {places}"
    )


def _check_credential_type(subject: ResourceView, target: ResourceView) -> Iterator[Diagnostic]:
    taken = credential_types_of(subject.type)
    if not taken or not target.type or target.type in taken:
        return
    message = f"a connection of type {subject.type} does not use a credential of type {target.type}"
    hint = f"it uses {' or '.join(taken)}; {target.address} stands in {_locate_type(target)}"
    finding = _reference_error("KT403", subject, ("credential",), message, hint)
    lenient = load_type_schema("connection", subject.type).get("x-open", False)
    yield replace(finding, severity=Severity.WARNING) if lenient else finding


def _locate_type(subject: ResourceView) -> SourceLocation:
    return subject.find_location(("type",))


def _reference_error(
    code: str, subject: ResourceView, path: FieldPath, message: str, hint: str
) -> Diagnostic:
    return replace(
        error_diagnostic(code, subject.find_location(path), message, hint), address=subject.address
    )
