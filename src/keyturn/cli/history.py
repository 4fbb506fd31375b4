"""The journal told to people and to programs."""

import json
from collections.abc import Iterator

from keyturn.core.counting import pluralize_or_none
from keyturn.ledger.event import OutcomeRecorded, Intent, RunFinished, RunStarted, event_name, encode_event
from keyturn.ledger.medium import StateStore
from keyturn.ledger.record import JournalRecord, UnreadableEvent, read_journal_records, verify_chain
from keyturn.render.json_text import neutralize_json
from keyturn.render.safe import escape_line


def check_journal(store: StateStore) -> tuple[str, bool]:
    """Return what the chain of hashes says, in a sentence, and whether it holds."""
    records = tuple(read_journal_records(store.open_log().read(0)))
    broken = verify_chain(records)
    if broken is None:
        return f"The journal is whole: {pluralize_or_none(len(records), 'record')}.", True
    return f"The journal was changed or damaged at record {broken + 1} of {len(records)}.", False


def format_journal(store: StateStore, address: str) -> Iterator[str]:
    """Yield the journal's records, one line each; ``address`` narrows to one resource."""
    for record in _select_records(store, address):
        yield f"{escape_line(record.at)}  {escape_line(_describe_record(record))}"


def format_journal_json(store: StateStore, address: str) -> str:
    """Return the journal's records as one JSON array, a record on each line."""
    return "[" + ",\n ".join(neutralize_json(json.dumps(_record_to_dict(record))) for record in _select_records(store, address)) + "]"


def _select_records(store: StateStore, address: str) -> Iterator[JournalRecord]:
    for record in read_journal_records(store.open_log().read(0)):
        if not address or str(getattr(record.event, "address", "")) == address:
            yield record


def _record_to_dict(record: JournalRecord) -> dict[str, object]:
    event = record.event
    told = {"event": "unreadable"} if isinstance(event, UnreadableEvent) else json.loads(encode_event(event))
    return {"at": record.at, "seq": record.seq, **told}


def _describe_record(record: JournalRecord) -> str:
    match record.event:
        case RunStarted() as run:
            commit = f" of {run.commit[:12]}" if run.commit else ""
            return f"{run.command} {run.run} by {run.who} on {run.host}{commit}"
        case Intent() as intent:
            return f"  {intent.operation} {intent.address} ({intent.action})"
        case OutcomeRecorded() as done:
            told = f": {done.message}" if done.message else ""
            return f"  {done.outcome_status.value} {done.address}{told}"
        case RunFinished() as end:
            counts = ", ".join(f"{count} {word}" for word, count in end.counts.items() if count)
            return f"{end.run_status} {end.run}" + (f": {counts}" if counts else "")
        case other:
            return event_name(other) if not isinstance(other, UnreadableEvent) else "unreadable"
