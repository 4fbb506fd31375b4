"""What an earlier run left open is settled by looking, never by guessing.

An intent without an end may have happened. A create is looked for by its exact name; an update,
restore or retire leaves the entry in doubt, so that the next plan writes it again. Any doubt about
a secret means: write it again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.resource import EMPTY, LiveObject, StateEntry
from keyturn.operations.state_entries import mark_uncertain
from keyturn.planning.scope import RETIRES_ON_INFIX, SUCCESSOR_INFIX
from keyturn.state.document import State
from keyturn.state.events import Intent

PROBE_PREFIX = "keyturn-probe-"
"""How the names of credentials begin that are made for a test and purged after it."""


class Recovery(Struct, frozen=True, kw_only=True):
    """The entries with every open intent settled, and what is left to do or to say.

    ``leftovers`` are probes to be purged, each with its intent and its id; ``unseen`` the intents to
    make something that no list shows: not yet, or not at all.
    """

    entries: Mapping[Address, StateEntry]
    leftover_probes: tuple[tuple[Intent, str], ...] = ()
    unresolved: tuple[Intent, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def list_uncertain_retirements(state: State) -> tuple[tuple[str, str], ...]:
    """Return what may have been retired, by kind and id: that a list does not show it proves nothing."""
    return tuple(
        (each.address.kind, each.object) for each in state.open_intents if each.operation == "retire"
    )


def resolve_open_intents(state: State, listed: Iterable[LiveObject]) -> Recovery:
    """Return what the state holds once the open intents are compared with what the service lists."""
    settled = Recovery(entries=state.entries)
    live = tuple(each for each in listed if each.status != "deleted") if state.open_intents else ()
    for intent in state.open_intents:
        settled = _RESOLVERS.get(intent.operation, _resolve_write)(intent, settled, live)
    return replace(settled, entries=_complete_replacements(settled.entries))


def _complete_replacements(entries: Mapping[Address, StateEntry]) -> Mapping[Address, StateEntry]:
    # A hand-over that was cut off after the old generation had moved aside and before the new one
    # had the name: the name is the new one's.
    heirs = sorted(
        (each for each in entries if SUCCESSOR_INFIX in each.name), key=lambda each: not entries[each].digest
    )
    found = dict(entries) if heirs else entries
    for address in heirs:
        rightful = Address(address.kind, address.name.partition(SUCCESSOR_INFIX)[0])
        left = any(str(each).startswith(f"{rightful}{RETIRES_ON_INFIX}") for each in entries)
        if left and rightful not in found:
            found = {one: known for one, known in found.items() if one != address}
            # It was tried before it was put to use, so that writing it once more is no rotation.
            found[rightful] = replace(mark_uncertain(entries[address]), address=rightful, earlier=())
    return found


def matching_creates(
    intent: Intent, live: Iterable[LiveObject], taken: frozenset[str]
) -> tuple[LiveObject, ...]:
    """Return the objects that an open create may have made.

    They bear the exact name, belong to no entry, and were created no earlier than the service's
    own clock said just before the intent; a local clock is never asked.
    """
    return tuple(
        each
        for each in live
        if each.address == Address(intent.address.kind, intent.expect or intent.address.name)
        and each.id not in taken
        and _is_created_since(each.created_at, intent.server_date)
    )


def _is_created_since(created: str, start: str) -> bool:
    if not created or not start:
        return True
    return _parse_time(created) >= _parse_time(start).replace(microsecond=0)


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _resolve_create(intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...]) -> Recovery:
    taken = frozenset(known.id for known in recovery.entries.values() if not known.retired_at)
    found = matching_creates(intent, live, taken)
    if len(found) > 1:
        ids = ", ".join(sorted(each.id for each in found))
        return replace(
            recovery, diagnostics=(*recovery.diagnostics, _ambiguous_create_error(intent.address, ids))
        )
    if not found:
        return replace(recovery, unresolved=(*recovery.unresolved, intent))
    return replace(
        recovery, entries={**recovery.entries, intent.address: uncertain_entry(intent.address, found[0])}
    )


def uncertain_entry(address: Address, live: LiveObject) -> StateEntry:
    """Return an entry for an object that is ours and of whose content nothing is certain."""
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
    known = next((each for each in recovery.entries.values() if each.id == intent.object), None)
    if known is None:
        return recovery
    rest = {address: each for address, each in recovery.entries.items() if address != known.address}
    name, heir_apparent, _ = known.address.name.partition(SUCCESSOR_INFIX)
    if heir_apparent and intent.expect == name:
        heir = replace(mark_uncertain(known), address=Address(known.address.kind, intent.expect), earlier=())
        return replace(recovery, entries={**rest, heir.address: heir})
    return replace(recovery, entries={**rest, known.address: mark_uncertain(known)})


def _resolve_retirement(intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...]) -> Recovery:
    if any(each.id == intent.object for each in live):
        return recovery
    known = next((each for each in recovery.entries.values() if each.id == intent.object), None)
    if known is None or known.retired_at:
        return recovery
    tombstone = replace(known, retired_at=intent.server_date or "unknown")
    return replace(recovery, entries={**recovery.entries, known.address: tombstone})


def _resolve_probe(intent: Intent, recovery: Recovery, live: tuple[LiveObject, ...]) -> Recovery:
    seen = tuple(each.id for each in live if each.address.name == intent.expect)
    found = (intent.object,) if intent.object else seen
    if not found:
        return replace(recovery, unresolved=(*recovery.unresolved, intent))
    left = tuple((intent, identity) for identity in found)
    return replace(recovery, leftover_probes=(*recovery.leftover_probes, *left))


def _ambiguous_create_error(address: Address, ids: str) -> Diagnostic:
    return Diagnostic(
        code="KT466",
        severity=Severity.ERROR,
        message=f"an earlier create of {address} was cut off, and more than one object bears its name: {ids}",
        origin=SourceLocation("journal"),
        hint="delete the ones that are not in use in the Planasonix UI, then plan again",
        address=address,
    )


_RESOLVERS = {"create": _resolve_create, "retire": _resolve_retirement, "probe": _resolve_probe}
