"""What an earlier run left open is settled by looking, never by guessing.

An intent without an end may have happened. A create is looked for by its exact name; an update,
restore or retire leaves the entry in doubt, so that the next plan writes it again. Any doubt about
a secret means: write it again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.protect import NEXT, UNTIL
from keyturn.core.resource import EMPTY, Known, Live
from keyturn.engine.entry import doubtful
from keyturn.ledger.document import Ledger
from keyturn.ledger.event import Intent

PROBE = "keyturn-probe-"
"""How the names of credentials begin that are made for a test and purged after it."""


class Settled(Struct, frozen=True, kw_only=True):
    """The entries with every open intent settled, and what is left to do or to say.

    ``leftovers`` are probes to be purged, each with its intent and its id; ``unseen`` the intents to
    make something that no list shows: not yet, or not at all.
    """

    entries: Mapping[Address, Known]
    leftovers: tuple[tuple[Intent, str], ...] = ()
    unseen: tuple[Intent, ...] = ()
    findings: tuple[Diagnostic, ...] = ()


def doubted(ledger: Ledger) -> tuple[tuple[str, str], ...]:
    """Return what may have been retired, by kind and id: that a list does not show it proves nothing."""
    return tuple((each.address.kind, each.object) for each in ledger.open if each.op == "retire")


def settle(ledger: Ledger, listed: Iterable[Live]) -> Settled:
    """Return what the ledger holds once the open intents are compared with what the service lists."""
    settled = Settled(entries=ledger.entries)
    live = tuple(each for each in listed if each.status != "deleted") if ledger.open else ()
    for intent in ledger.open:
        settled = _SETTLERS.get(intent.op, _doubt)(intent, settled, live)
    return replace(settled, entries=_inherited(settled.entries))


def _inherited(entries: Mapping[Address, Known]) -> Mapping[Address, Known]:
    # A hand-over that was cut off after the old generation had moved aside and before the new one
    # had the name: the name is the new one's.
    heirs = sorted((each for each in entries if NEXT in each.name), key=lambda each: not entries[each].digest)
    found = dict(entries) if heirs else entries
    for address in heirs:
        rightful = Address(address.kind, address.name.partition(NEXT)[0])
        left = any(str(each).startswith(f"{rightful}{UNTIL}") for each in entries)
        if left and rightful not in found:
            found = {one: known for one, known in found.items() if one != address}
            # It was tried before it was put to use, so that writing it once more is no rotation.
            found[rightful] = replace(doubtful(entries[address]), address=rightful, earlier=())
    return found


def claimable(intent: Intent, live: Iterable[Live], taken: frozenset[str]) -> tuple[Live, ...]:
    """Return the objects that an open create may have made.

    They bear the exact name, belong to no entry, and were created no earlier than the service's
    own clock said just before the intent; a local clock is never asked.
    """
    return tuple(
        each
        for each in live
        if each.address == Address(intent.address.kind, intent.expect or intent.address.name)
        and each.id not in taken
        and _since(each.created_at, intent.server_date)
    )


def _since(created: str, start: str) -> bool:
    if not created or not start:
        return True
    return _moment(created) >= _moment(start).replace(microsecond=0)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _create(intent: Intent, settled: Settled, live: tuple[Live, ...]) -> Settled:
    taken = frozenset(known.id for known in settled.entries.values() if not known.retired_at)
    found = claimable(intent, live, taken)
    if len(found) > 1:
        ids = ", ".join(sorted(each.id for each in found))
        return replace(settled, findings=(*settled.findings, _unclear(intent.address, ids)))
    if not found:
        return replace(settled, unseen=(*settled.unseen, intent))
    return replace(settled, entries={**settled.entries, intent.address: adopted(intent.address, found[0])})


def adopted(address: Address, live: Live) -> Known:
    """Return an entry for an object that is ours and of whose content nothing is certain."""
    return Known(
        address=address,
        id=live.id,
        type=live.type,
        digest="",
        applied=EMPTY,
        observed=EMPTY,
        fingerprints=EMPTY,
        updated_at="",
    )


def _doubt(intent: Intent, settled: Settled, live: tuple[Live, ...]) -> Settled:  # noqa: ARG001
    known = next((each for each in settled.entries.values() if each.id == intent.object), None)
    if known is None:
        return settled
    rest = {address: each for address, each in settled.entries.items() if address != known.address}
    name, heir_apparent, _ = known.address.name.partition(NEXT)
    if heir_apparent and intent.expect == name:
        heir = replace(doubtful(known), address=Address(known.address.kind, intent.expect), earlier=())
        return replace(settled, entries={**rest, heir.address: heir})
    return replace(settled, entries={**rest, known.address: doubtful(known)})


def _retire(intent: Intent, settled: Settled, live: tuple[Live, ...]) -> Settled:
    if any(each.id == intent.object for each in live):
        return settled
    known = next((each for each in settled.entries.values() if each.id == intent.object), None)
    if known is None or known.retired_at:
        return settled
    tombstone = replace(known, retired_at=intent.server_date or "unknown")
    return replace(settled, entries={**settled.entries, known.address: tombstone})


def _probe(intent: Intent, settled: Settled, live: tuple[Live, ...]) -> Settled:
    seen = tuple(each.id for each in live if each.address.name == intent.expect)
    found = (intent.object,) if intent.object else seen
    if not found:
        return replace(settled, unseen=(*settled.unseen, intent))
    left = tuple((intent, identity) for identity in found)
    return replace(settled, leftovers=(*settled.leftovers, *left))


def _unclear(address: Address, ids: str) -> Diagnostic:
    return Diagnostic(
        code="KT466",
        severity=Severity.ERROR,
        message=f"an earlier create of {address} was cut off, and more than one object bears its name: {ids}",
        origin=Origin("journal"),
        hint="delete the ones that are not in use in the Planasonix UI, then plan again",
        address=address,
    )


_SETTLERS = {"create": _create, "retire": _retire, "probe": _probe}
