"""What the service shows, read with as few requests as the question allows.

The two lists, then a single object only where a list cannot answer: a connection that was written
since the ledger last saw it, and whatever the ledger knows and the lists do not show. Lists are
filtered by the key's rights, so absence from one is never proof.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

from msgspec.structs import replace

from keyturn.api.client import Client
from keyturn.api.errors import Absent
from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.resource import Desired, Known, Live
from keyturn.engine.together import at_once, side_by_side
from keyturn.kinds import KINDS, Kind

READERS = 8
"""How many objects are read side by side; the client's limiter sets the pace."""


def refuse_foreign(service: Client, organization: str) -> None:
    """Compare the organization behind the key with the project's; raises Faulty KT520."""
    found = service.organization()
    if found.id == organization:
        return
    raise Faulty(
        Diagnostic(
            code="KT520",
            severity=Severity.ERROR,
            message=f"the API key belongs to organization {found.id}, the project names {organization}",
            origin=Origin("keyturn.yaml"),
            hint="use a key of the right organization, or correct `organization:` in keyturn.yaml",
        )
    )


def census(
    service: Client, doubted: Iterable[tuple[str, str]] = (), organization: str = ""
) -> tuple[Live, ...]:
    """Return every object that both lists show; raises the client's errors, and never half a list.

    What is ``doubted``, by kind and id, is asked for on its own where the lists do not show it. That
    the key belongs to ``organization`` is asked beside them, if one is named; raises Faulty KT520.
    """
    asking = [partial(_ours, service, organization)] if organization else []
    lists = [partial(_listed, service, kind) for kind in KINDS.values()]
    listed = tuple(chain.from_iterable(at_once([*asking, *lists])))
    seen = {each.id for each in listed}
    return (*listed, *_read(service, [each for each in doubted if each[1] not in seen]))


def _ours(service: Client, organization: str) -> tuple[Live, ...]:
    refuse_foreign(service, organization)
    return ()


def _listed(service: Client, kind: Kind) -> tuple[Live, ...]:
    return tuple(kind.decode(record) for record in service.records(kind.collection).records)


def observe(
    service: Client, listed: Iterable[Live], desired: Iterable[Desired], entries: Mapping[Address, Known]
) -> dict[str, Live]:
    """Return the live objects by id, in as much detail as the plan needs.

    A connection whose ``updated_at`` the ledger holds takes its fields from there. What the ledger
    knows at another time than a list shows, or as retired, is read on its own: a list may lag behind
    our own writes.
    """
    by_id = {known.id: known for known in entries.values()}
    wanted = {each.address for each in desired}
    new = wanted.difference(entries)
    live: dict[str, Live] = {}
    unread: list[tuple[str, str]] = []
    for each in listed:
        known = by_id.get(each.id)
        if known and known.retired_at and each.status != "deleted":
            unread.append((each.address.kind, each.id))
            continue
        live[each.id] = each
        current = known and known.updated_at and known.updated_at == each.updated_at
        if not current and _relevant(each, known, new):
            unread.append((each.address.kind, each.id))
        elif known and current and not each.detailed:
            live[each.id] = replace(each, fields={**known.observed, **each.fields}, detailed=True)
    asked = frozenset(unread)
    unread += (each for each in _missing(wanted, entries, live) if each not in asked)
    live.update((each.id, each) for each in _read(service, unread))
    return live


def _relevant(listed: Live, known: Known | None, new: Collection[Address]) -> bool:
    if listed.detailed:
        return known is not None and bool(known.updated_at and listed.updated_at)
    return known is not None or listed.address in new


def _missing(
    wanted: Collection[Address], entries: Mapping[Address, Known], live: Mapping[str, Live]
) -> Iterator[tuple[str, str]]:
    for known in entries.values():
        if known.id not in live and (not known.retired_at or known.address in wanted):
            yield known.address.kind, known.id


def _read(service: Client, unread: list[tuple[str, str]]) -> Iterator[Live]:
    def one(each: tuple[str, str]) -> Live | None:
        kind = KINDS[each[0]]
        try:
            return kind.decode(service.fetch(kind.collection, each[1]))
        except Absent:
            return None

    yield from (found for found in side_by_side(one, unread, READERS) if found)
