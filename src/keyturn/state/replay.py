"""The journal folded into the state: what was written since the document was."""

from collections.abc import Iterable
from types import MappingProxyType

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.resource import StateEntry
from keyturn.state.document import State
from keyturn.state.events import Intent, JournalPosition, OutcomeRecorded
from keyturn.state.journal_record import JournalRecord, RecordedEvent


class Replay:
    """A state in the making: takes one event after another at a cost that is always the same."""

    __slots__ = ("_base", "_entries", "_open")

    def __init__(self, base: State) -> None:
        self._base = base
        self._entries: dict[Address, StateEntry] = dict(base.entries)
        self._open = {intent.id: intent for intent in base.open_intents}

    def apply_event(self, event: RecordedEvent) -> None:
        """Fold ``event`` in; events that change nothing in the state are let by."""
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
        """Return what came out, as it stands at ``position``."""
        entries = MappingProxyType(dict(self._entries))
        return replace(
            self._base, entries=entries, open_intents=tuple(self._open.values()), position=position
        )


def replay_records(state: State, records: Iterable[JournalRecord]) -> State:
    """Return ``state`` with every record behind its position folded in; others are passed over."""
    fold, position = Replay(state), state.position
    for record in records:
        if record.seq > state.position.seq:
            fold.apply_event(record.event)
            position = record.position
    return fold.build_state(position)


def find_open_intents(records: Iterable[JournalRecord]) -> tuple[Intent, ...]:
    """Return the intents among ``records`` of which no end is known, in the order of the journal."""
    fold = Replay(State(workspace="", organization=""))
    for record in records:
        fold.apply_event(record.event)
    return fold.build_state(JournalPosition()).open_intents
