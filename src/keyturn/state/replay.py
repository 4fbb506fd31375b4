"""Applies journal events to a state."""

from types import MappingProxyType

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.resource import StateEntry
from keyturn.state.document import State
from keyturn.state.events import Intent, JournalPosition, OutcomeRecorded
from keyturn.state.journal_record import RecordedEvent


class Replay:
    """A mutable copy of a state; each event is applied in constant time."""

    __slots__ = ("_base", "_entries", "_open")

    def __init__(self, base: State) -> None:
        self._base = base
        self._entries: dict[Address, StateEntry] = dict(base.entries)
        self._open = {intent.id: intent for intent in base.open_intents}

    def apply_event(self, event: RecordedEvent) -> None:
        """Apply ``event``; events without an effect on the state are ignored."""
        if isinstance(event, Intent):
            self._open[event.id] = event
        elif isinstance(event, OutcomeRecorded):
            self._apply_outcome(event)

    def _apply_outcome(self, event: OutcomeRecorded) -> None:
        if event.outcome_status is not OutcomeStatus.UNKNOWN:
            self._open.pop(event.intent, None)
        for address in event.removed:
            self._entries.pop(address, None)
        if event.entry:
            self._entries[event.entry.address] = event.entry

    def build_state(self, position: JournalPosition) -> State:
        """Return the resulting state, with ``position`` as its last record."""
        entries = MappingProxyType(dict(self._entries))
        return replace(
            self._base, entries=entries, open_intents=tuple(self._open.values()), position=position
        )
