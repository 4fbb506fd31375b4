"""The journal folded into the ledger: what was written since the document was."""

from collections.abc import Iterable
from types import MappingProxyType

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.outcome import Ending
from keyturn.core.resource import Known
from keyturn.ledger.document import Ledger
from keyturn.ledger.event import Finished, Intent, Position
from keyturn.ledger.record import Record, Said


class Fold:
    """A ledger in the making: takes one event after another at a cost that is always the same."""

    __slots__ = ("_base", "_entries", "_open")

    def __init__(self, base: Ledger) -> None:
        self._base = base
        self._entries: dict[Address, Known] = dict(base.entries)
        self._open = {intent.id: intent for intent in base.open}

    def take(self, event: Said) -> None:
        """Fold ``event`` in; events that change nothing in the ledger are let by."""
        if isinstance(event, Intent):
            self._open[event.id] = event
        elif isinstance(event, Finished):
            self._finish(event)

    def _finish(self, event: Finished) -> None:
        if event.ending is not Ending.UNSURE:
            self._open.pop(event.intent, None)
        for address in event.gone:
            self._entries.pop(address, None)
        if event.entry:
            self._entries[event.entry.address] = event.entry

    def ledger(self, position: Position) -> Ledger:
        """Return what came out, as it stands at ``position``."""
        entries = MappingProxyType(dict(self._entries))
        return replace(self._base, entries=entries, open=tuple(self._open.values()), position=position)


def replay(ledger: Ledger, records: Iterable[Record]) -> Ledger:
    """Return ``ledger`` with every record behind its position folded in; others are passed over."""
    fold, position = Fold(ledger), ledger.position
    for record in records:
        if record.seq > ledger.position.seq:
            fold.take(record.event)
            position = record.position
    return fold.ledger(position)


def open_intents(records: Iterable[Record]) -> tuple[Intent, ...]:
    """Return the intents among ``records`` of which no end is known, in the order of the journal."""
    fold = Fold(Ledger(workspace="", organization=""))
    for record in records:
        fold.take(record.event)
    return fold.ledger(Position()).open
