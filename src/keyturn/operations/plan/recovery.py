"""Recovery: resolve the open intents of an interrupted run against the live objects.

An open intent is a journaled request without a recorded outcome; the request may have succeeded. A
create is resolved by the evidence of ``creation_evidence``. An update or restore marks the state entry as
uncertain, so that the next plan writes it again, its secrets included.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.resource import EMPTY, LiveObject, StateEntry
from keyturn.operations.plan.creation_evidence import CreationSearch, search_created
from keyturn.operations.state_entries import mark_uncertain
from keyturn.state.document import State
from keyturn.state.events import Intent

_DetailReader: TypeAlias = Callable[[LiveObject], LiveObject]


class Recovery(Struct, frozen=True, kw_only=True):
    """The state entries with every open intent resolved.

    ``leftover_probes`` are probes to purge, each with its intent and its ID. ``unresolved`` are
    intents to create an object that no list shows.
    """

    entries: Mapping[Address, StateEntry]
    leftover_probes: tuple[tuple[Intent, str], ...] = ()
    unresolved: tuple[Intent, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def list_unconfirmed_objects(state: State) -> tuple[tuple[str, str], ...]:
    """Return kind and ID of each object of an open create or retire intent; lists may omit it for a while."""
    return tuple(
        (each.address.kind, each.object)
        for each in state.open_intents
        if each.object and each.operation in {"create", "retire"}
    )


def resolve_open_intents(
    state: State, listed: Iterable[LiveObject], read_details: _DetailReader = lambda live: live
) -> Recovery:
    """Return the state entries after comparing the open intents with the listed objects.

    ``read_details`` returns a listed object with its fields.
    """
    recovery = Recovery(entries=state.entries)
    live = tuple(each for each in listed if each.status != "deleted") if state.open_intents else ()
    for intent in state.open_intents:
        recovery = _RESOLVERS.get(intent.operation, _resolve_write)(intent, recovery, live, read_details)
    return replace(recovery, entries=_complete_replacements(recovery.entries))


def _complete_replacements(entries: Mapping[Address, StateEntry]) -> Mapping[Address, StateEntry]:
    # The run ended after the predecessor was renamed and before the successor took over its name.
    successors = [entry for entry in entries.values() if entry.is_successor]
    predecessors = {entry.id for entry in entries.values() if entry.is_predecessor} if successors else set()
    completed = dict(entries) if successors else entries
    for successor in sorted(successors, key=lambda each: (not each.digest, each.address)):
        final = _find_resource_address(successor)
        if successor.replaced_id in predecessors and final not in completed:
            completed = {address: each for address, each in completed.items() if address != successor.address}
            # The successor passed its probe, so writing its secret again is no rotation.
            completed[final] = _promote_entry(successor)
    return completed


def _find_resource_address(entry: StateEntry) -> Address:
    name = entry.generation.resource if entry.generation else entry.address.name
    return Address(entry.address.kind, name)


def _promote_entry(successor: StateEntry) -> StateEntry:
    address = _find_resource_address(successor)
    return replace(mark_uncertain(successor), address=address, earlier=(), generation=None)


def _resolve_create(
    intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...], read_details: _DetailReader
) -> Recovery:
    taken = frozenset(entry.id for entry in recovery.entries.values() if not entry.retired_at)
    found = search_created(intent, live, taken, read_details)
    if len(found.proven) > 1:
        return _add_diagnostics(recovery, _ambiguous_create_error(intent.address, found.proven))
    if found.proven:
        entry = replace(uncertain_entry(intent.address, found.proven[0]), generation=intent.generation)
        return replace(recovery, entries={**recovery.entries, intent.address: entry})
    if found.doubtful:
        return _add_diagnostics(recovery, *_describe_doubts(intent, found))
    return replace(recovery, unresolved=(*recovery.unresolved, intent))


def _add_diagnostics(recovery: Recovery, *diagnostics: Diagnostic) -> Recovery:
    return replace(recovery, diagnostics=(*recovery.diagnostics, *diagnostics))


def uncertain_entry(address: Address, live: LiveObject) -> StateEntry:
    """Return a state entry for a managed object of unknown content."""
    return StateEntry(
        address=address,
        id=live.id,
        type=live.type,
        digest="",
        applied=EMPTY,
        observed=EMPTY,
        fingerprints=EMPTY,
        updated_at="",
    )


def _resolve_write(
    intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...], read_details: _DetailReader
) -> Recovery:
    del live, read_details  # An interrupted write is written again, whatever the object shows.
    entry = _find_entry(recovery, intent.object)
    if entry is None:
        return recovery
    others = {address: each for address, each in recovery.entries.items() if address != entry.address}
    is_promotion = entry.is_successor and intent.expect == _find_resource_address(entry).name
    uncertain = _promote_entry(entry) if is_promotion else mark_uncertain(entry)
    return replace(recovery, entries={**others, uncertain.address: uncertain})


def _resolve_retirement(
    intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...], read_details: _DetailReader
) -> Recovery:
    del read_details  # Only the existence of the object counts.
    if any(each.id == intent.object for each in live):
        return recovery
    entry = _find_entry(recovery, intent.object)
    if entry is None or entry.retired_at:
        return recovery
    tombstone = replace(entry, retired_at=intent.server_date or "unknown")
    return replace(recovery, entries={**recovery.entries, entry.address: tombstone})


def _find_entry(recovery: Recovery, identity: str) -> StateEntry | None:
    return next((entry for entry in recovery.entries.values() if entry.id == identity), None)


def _resolve_probe(
    intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...], read_details: _DetailReader
) -> Recovery:
    if intent.object:
        return replace(recovery, leftover_probes=(*recovery.leftover_probes, (intent, intent.object)))
    taken = frozenset(entry.id for entry in recovery.entries.values())
    probe = replace(intent, address=Address(intent.address.kind, intent.expect))
    found = search_created(probe, live, taken, read_details)
    if found.is_empty:
        return replace(recovery, unresolved=(*recovery.unresolved, intent))
    probes = tuple((intent, each.id) for each in found.proven)
    recovery = replace(recovery, leftover_probes=(*recovery.leftover_probes, *probes))
    return _add_diagnostics(recovery, *_describe_doubts(probe, found))


def _ambiguous_create_error(address: Address, created: Iterable[LiveObject]) -> Diagnostic:
    ids = ", ".join(sorted(each.id for each in created))
    return Diagnostic(
        code="KT466",
        severity=Severity.ERROR,
        message=f"an interrupted run created {address}, and more than one live object has this name: {ids}",
        origin=SourceLocation("journal"),
        hint="delete the unused objects in the Planasonix UI, then plan again",
        address=address,
    )


def _describe_doubts(intent: Intent, found: CreationSearch) -> tuple[Diagnostic, ...]:
    adopt = f"to take it over, pass --adopt {intent.address.name}"
    return tuple(
        Diagnostic(
            code="KT466",
            severity=Severity.WARNING,
            message=f"an interrupted run tried to create {intent.address}; {live.id} has this name, "
            f"but no evidence that it was made by that run: {found.doubts[live.id]}",
            origin=SourceLocation("journal"),
            hint=f"{adopt}; otherwise rename it or delete it in the Planasonix UI",
            address=intent.address,
        )
        for live in found.doubtful
    )


_RESOLVERS = {"create": _resolve_create, "retire": _resolve_retirement, "probe": _resolve_probe}
