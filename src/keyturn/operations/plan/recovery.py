"""Recovery: resolve the open intents of an interrupted run against the live objects.

An open intent is a journaled request without a recorded outcome; the request may have succeeded. A
create is found by its exact name. An update or restore marks the state entry as uncertain, so that the
next plan writes it again, its secrets included.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.clock import parse_timestamp
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.resource import EMPTY, LiveObject, StateEntry
from keyturn.operations.state_entries import mark_uncertain
from keyturn.planning.scope import RETIRES_ON_INFIX, SUCCESSOR_INFIX
from keyturn.state.document import State
from keyturn.state.events import Intent

PROBE_PREFIX = "keyturn-probe-"
"""Prefix of the names of credentials that exist only for a test."""


class Recovery(Struct, frozen=True, kw_only=True):
    """The state entries with every open intent resolved.

    ``leftover_probes`` are probes to purge, each with its intent and its ID. ``unresolved`` are
    intents to create an object that no list shows.
    """

    entries: Mapping[Address, StateEntry]
    leftover_probes: tuple[tuple[Intent, str], ...] = ()
    unresolved: tuple[Intent, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def list_uncertain_retirements(state: State) -> tuple[tuple[str, str], ...]:
    """Return kind and ID of each object with an open retire intent; lists may hide it without a retire."""
    return tuple(
        (each.address.kind, each.object) for each in state.open_intents if each.operation == "retire"
    )


def resolve_open_intents(state: State, listed: Iterable[LiveObject]) -> Recovery:
    """Return the state entries after comparing the open intents with the listed objects."""
    recovery = Recovery(entries=state.entries)
    live = tuple(each for each in listed if each.status != "deleted") if state.open_intents else ()
    for intent in state.open_intents:
        recovery = _RESOLVERS.get(intent.operation, _resolve_write)(intent, recovery, live)
    return replace(recovery, entries=_complete_replacements(recovery.entries))


def _complete_replacements(entries: Mapping[Address, StateEntry]) -> Mapping[Address, StateEntry]:
    # The run ended after the predecessor was renamed and before the successor took over its name.
    successors = sorted(
        (each for each in entries if SUCCESSOR_INFIX in each.name), key=lambda each: not entries[each].digest
    )
    completed = dict(entries) if successors else entries
    for successor in successors:
        final = Address(successor.kind, successor.name.partition(SUCCESSOR_INFIX)[0])
        has_predecessor = any(str(each).startswith(f"{final}{RETIRES_ON_INFIX}") for each in entries)
        if has_predecessor and final not in completed:
            completed = {address: entry for address, entry in completed.items() if address != successor}
            # The successor passed its probe, so writing its secret again is no rotation.
            completed[final] = replace(mark_uncertain(entries[successor]), address=final, earlier=())
    return completed


def matching_creates(
    intent: Intent, live: Iterable[LiveObject], taken: frozenset[str]
) -> tuple[LiveObject, ...]:
    """Return the live objects that an open create intent may have created.

    Their name is equal, their ID is not in ``taken``, and their creation time is not before the
    service's clock at the time of the intent; a missing or unreadable time counts as later. The local
    clock is not used.
    """
    return tuple(
        each
        for each in live
        if each.address == Address(intent.address.kind, intent.expect or intent.address.name)
        and each.id not in taken
        and _is_created_since(each.created_at, intent.server_date)
    )


def _is_created_since(created: str, start: str) -> bool:
    created_time, start_time = parse_timestamp(created), parse_timestamp(start)
    if created_time is None or start_time is None:
        return True
    return created_time >= start_time.replace(microsecond=0)


def _resolve_create(intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...]) -> Recovery:
    taken = frozenset(entry.id for entry in recovery.entries.values() if not entry.retired_at)
    candidates = matching_creates(intent, live, taken)
    if len(candidates) > 1:
        ids = ", ".join(sorted(each.id for each in candidates))
        return replace(
            recovery, diagnostics=(*recovery.diagnostics, _ambiguous_create_error(intent.address, ids))
        )
    if not candidates:
        return replace(recovery, unresolved=(*recovery.unresolved, intent))
    entry = uncertain_entry(intent.address, candidates[0])
    return replace(recovery, entries={**recovery.entries, intent.address: entry})


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


def _resolve_write(intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...]) -> Recovery:  # noqa: ARG001
    entry = _find_entry(recovery, intent.object)
    if entry is None:
        return recovery
    others = {address: each for address, each in recovery.entries.items() if address != entry.address}
    name, infix, _ = entry.address.name.partition(SUCCESSOR_INFIX)
    uncertain = mark_uncertain(entry)
    if infix and intent.expect == name:
        uncertain = replace(uncertain, address=Address(entry.address.kind, name), earlier=())
    return replace(recovery, entries={**others, uncertain.address: uncertain})


def _resolve_retirement(intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...]) -> Recovery:
    if any(each.id == intent.object for each in live):
        return recovery
    entry = _find_entry(recovery, intent.object)
    if entry is None or entry.retired_at:
        return recovery
    tombstone = replace(entry, retired_at=intent.server_date or "unknown")
    return replace(recovery, entries={**recovery.entries, entry.address: tombstone})


def _find_entry(recovery: Recovery, identity: str) -> StateEntry | None:
    return next((entry for entry in recovery.entries.values() if entry.id == identity), None)


def _resolve_probe(intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...]) -> Recovery:
    listed = tuple(each.id for each in live if each.address.name == intent.expect)
    ids = (intent.object,) if intent.object else listed
    if not ids:
        return replace(recovery, unresolved=(*recovery.unresolved, intent))
    probes = tuple((intent, identity) for identity in ids)
    return replace(recovery, leftover_probes=(*recovery.leftover_probes, *probes))


def _ambiguous_create_error(address: Address, ids: str) -> Diagnostic:
    return Diagnostic(
        code="KT466",
        severity=Severity.ERROR,
        message=f"an interrupted run created {address}, and more than one live object has this name: {ids}",
        origin=SourceLocation("journal"),
        hint="delete the unused objects in the Planasonix UI, then plan again",
        address=address,
    )


_RESOLVERS = {"create": _resolve_create, "retire": _resolve_retirement, "probe": _resolve_probe}
