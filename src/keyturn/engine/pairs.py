"""Which connection may be tested with which credential: only what is live exactly as it was applied.

A test carries a stored secret to a host. Whoever edits a host in the UI, or in a branch that nobody
approved, must not get it there by having the connection tested.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.change import ABSENT
from keyturn.core.fields import Fields, Path, dotted, nest, same
from keyturn.core.resource import Known, Live
from keyturn.load.definitions import destination_paths

_CREDENTIAL = ("credential",)


class Pair(Struct, frozen=True):
    """A live connection and the credentials that it was applied with, or why it may not be tested."""

    live: Live
    credentials: tuple[Address, ...] = ()
    refusal: str = ""
    fields: Fields | None = None


def pair(live: Live, entries: Mapping[Address, Known], shown: Mapping[str, Live]) -> Pair:
    """Return the pair that ``live``, a whole connection, makes with its credentials.

    ``shown`` are the live credentials by id. ``fields`` of the result are what a test sends: the
    live ones, and the references that the deployment does not show.
    """
    known = entries.get(live.address)
    if known is None or known.id != live.id:
        known = next((each for each in entries.values() if each.id == live.id), None)
    if known is None or known.retired_at:
        return Pair(live, refusal="it is not in the ledger: keyturn never applied it")
    linked = {path: leaf for path, leaf in known.applied.items() if isinstance(leaf, Address)}
    credentials = tuple(sorted(set(linked.values())))
    wrong = next(_wrong(live, known, linked, (entries, shown)), "")
    if wrong:
        return Pair(live, credentials, wrong)
    hidden = {path: leaf for path, leaf in linked.items() if path not in live.fields}
    return Pair(live, credentials, fields={**live.fields, **hidden})


def _wrong(
    live: Live,
    known: Known,
    linked: Mapping[Path, Address],
    sides: tuple[Mapping[Address, Known], Mapping[str, Live]],
) -> Iterator[str]:
    entries, shown = sides
    yield from _moved(live, known)
    if _CREDENTIAL in live.fields and _CREDENTIAL not in known.observed and _CREDENTIAL not in linked:
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
            yield from (f"{address}: {each}" for each in _moved(shown[entry.id], entry))


def _moved(live: Live, known: Known) -> Iterator[str]:
    if not known.digest:
        yield "an earlier run left it open: run `keyturn apply` first"
    if live.type != known.type:
        yield "its type is not the one that was applied"
    for path, leaf in known.observed.items():
        if not same(live.fields.get(path, ABSENT), leaf):
            yield f"{dotted(path)} is not as it was applied"
    if not known.updated_at or live.updated_at != known.updated_at:
        tree = {"type": live.type, **nest({p: leaf for p, leaf in live.fields.items() if p[0] == "config"})}
        for path in destination_paths(live.address.kind, tree):
            if path not in known.observed and path not in known.applied:
                yield f"{dotted(path)} was added outside keyturn"
