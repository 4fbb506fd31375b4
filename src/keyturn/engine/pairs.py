"""Which connection may be tested with which credential: only what is live exactly as it was applied.

A test carries a stored secret to a host. Whoever edits a host in the UI, or in a branch that nobody
approved, must not get it there by having the connection tested.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.change import MISSING
from keyturn.core.fields import Fields, FieldPath, format_path, nest_fields, values_equal
from keyturn.core.resource import StateEntry, LiveObject
from keyturn.load.definitions import destination_paths

_CREDENTIAL_PATH = ("credential",)


class ConnectionPair(Struct, frozen=True):
    """A live connection and the credentials that it was applied with, or why it may not be tested."""

    live: LiveObject
    credentials: tuple[Address, ...] = ()
    refusal: str = ""
    fields: Fields | None = None


def approved_pair(live: LiveObject, entries: Mapping[Address, StateEntry], shown: Mapping[str, LiveObject]) -> ConnectionPair:
    """Return the pair that ``live``, a whole connection, makes with its credentials.

    ``shown`` are the live credentials by id. ``fields`` of the result are what a test sends: the
    live ones, and the references that the deployment does not show.
    """
    known = entries.get(live.address)
    if known is None or known.id != live.id:
        known = next((each for each in entries.values() if each.id == live.id), None)
    if known is None or known.retired_at:
        return ConnectionPair(live, refusal="it is not in the ledger: keyturn never applied it")
    linked = {path: leaf for path, leaf in known.applied.items() if isinstance(leaf, Address)}
    credentials = tuple(sorted(set(linked.values())))
    wrong = next(_explain_refusals(live, known, linked, (entries, shown)), "")
    if wrong:
        return ConnectionPair(live, credentials, wrong)
    hidden = {path: leaf for path, leaf in linked.items() if path not in live.fields}
    return ConnectionPair(live, credentials, fields={**live.fields, **hidden})


def _explain_refusals(
    live: LiveObject,
    state_entry: StateEntry,
    linked: Mapping[FieldPath, Address],
    sides: tuple[Mapping[Address, StateEntry], Mapping[str, LiveObject]],
) -> Iterator[str]:
    entries, shown = sides
    yield from _describe_drift(live, state_entry)
    if _CREDENTIAL_PATH in live.fields and _CREDENTIAL_PATH not in state_entry.observed and _CREDENTIAL_PATH not in linked:
        yield "it uses a credential that was not applied with it"
    for path, address in linked.items():
        entry = entries.get(address)
        if entry is None or entry.retired_at:
            yield f"{address} is not in the ledger any more"
        elif path in live.fields and live.fields[path] != entry.id:
            yield f"it uses another credential than {address}, with which it was applied"
        elif entry.id not in shown or shown[entry.id].status == "deleted":
            yield f"{address} is not live"
        else:
            yield from (f"{address}: {each}" for each in _describe_drift(shown[entry.id], entry))


def _describe_drift(live: LiveObject, entry: StateEntry) -> Iterator[str]:
    if not entry.digest:
        yield "an earlier run left it open: run `keyturn apply` first"
    if live.type != entry.type:
        yield "its type is not the one that was applied"
    for path, leaf in entry.observed.items():
        if not values_equal(live.fields.get(path, MISSING), leaf):
            yield f"{format_path(path)} is not as it was applied"
    if not entry.updated_at or live.updated_at != entry.updated_at:
        tree = {"type": live.type, **nest_fields({p: leaf for p, leaf in live.fields.items() if p[0] == "config"})}
        for path in destination_paths(live.address.kind, tree):
            if path not in entry.observed and path not in entry.applied:
                yield f"{format_path(path)} was added outside keyturn"
