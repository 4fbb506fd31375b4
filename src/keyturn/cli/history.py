"""The journal told to people and to programs."""

import json
from collections.abc import Iterator

from keyturn.core.counting import counted
from keyturn.ledger.event import Finished, Intent, RunEnded, RunStarted, name_of, pack
from keyturn.ledger.medium import Store
from keyturn.ledger.record import Record, Unreadable, read, verify
from keyturn.render.json_text import inert
from keyturn.render.safe import line


def check(store: Store) -> tuple[str, bool]:
    """Return what the chain of hashes says, in a sentence, and whether it holds."""
    records = tuple(read(store.tape().read(0)))
    broken = verify(records)
    if broken is None:
        return f"The journal is whole: {counted(len(records), 'record')}.", True
    return f"The journal was changed or damaged at record {broken + 1} of {len(records)}.", False


def tell(store: Store, address: str) -> Iterator[str]:
    """Yield the journal's records, one line each; ``address`` narrows to one resource."""
    for record in _records(store, address):
        yield f"{line(record.at)}  {line(_said(record))}"


def tell_json(store: Store, address: str) -> str:
    """Return the journal's records as one JSON array, a record on each line."""
    return "[" + ",\n ".join(inert(json.dumps(_tree(record))) for record in _records(store, address)) + "]"


def _records(store: Store, address: str) -> Iterator[Record]:
    for record in read(store.tape().read(0)):
        if not address or str(getattr(record.event, "address", "")) == address:
            yield record


def _tree(record: Record) -> dict[str, object]:
    event = record.event
    told = {"event": "unreadable"} if isinstance(event, Unreadable) else json.loads(pack(event))
    return {"at": record.at, "seq": record.seq, **told}


def _said(record: Record) -> str:
    match record.event:
        case RunStarted() as run:
            commit = f" of {run.commit[:12]}" if run.commit else ""
            return f"{run.command} {run.run} by {run.who} on {run.host}{commit}"
        case Intent() as intent:
            return f"  {intent.op} {intent.address} ({intent.action})"
        case Finished() as done:
            told = f": {done.message}" if done.message else ""
            return f"  {done.ending.value} {done.address}{told}"
        case RunEnded() as end:
            counts = ", ".join(f"{count} {word}" for word, count in end.counts.items() if count)
            return f"{end.ending} {end.run}" + (f": {counts}" if counts else "")
        case other:
            return name_of(other) if not isinstance(other, Unreadable) else "unreadable"
