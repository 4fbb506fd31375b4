"""What the service shows, read with as few requests as the question allows.

The two lists, then a single object only where a list cannot answer: a connection that was written
since the state last saw it, and whatever the state knows and the lists do not show. Lists are
filtered by the key's rights, so absence from one is never proof.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

from msgspec.structs import replace

from keyturn.client.client import Client
from keyturn.client.errors import NotFound
from keyturn.kinds import KINDS, ResourceKind
from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.operations.parallel import map_parallel, run_concurrently

MAX_PARALLEL_READS = 8
"""How many objects are read side by side; the client's limiter sets the pace."""


def check_organization(service: Client, organization: str) -> None:
    """Compare the organization behind the key with the project's; raises Faulty KT520."""
    found = service.read_organization()
    if found.id == organization:
        return
    raise DiagnosticError(
        Diagnostic(
            code="KT520",
            severity=Severity.ERROR,
            message=f"the API key belongs to organization {found.id}, the project names {organization}",
            origin=SourceLocation("keyturn.yaml"),
            hint="use a key of the right organization, or correct `organization:` in keyturn.yaml",
        )
    )


def list_live_objects(
    service: Client, uncertain: Iterable[tuple[str, str]] = (), organization: str = ""
) -> tuple[LiveObject, ...]:
    """Return every object that both lists show; raises the client's errors, and never half a list.

    What is ``doubted``, by kind and id, is asked for on its own where the lists do not show it. That
    the key belongs to ``organization`` is asked beside them, if one is named; raises Faulty KT520.
    """
    asking = [partial(_verify_organization, service, organization)] if organization else []
    lists = [partial(_list_kind, service, kind) for kind in KINDS.values()]
    listed = tuple(chain.from_iterable(run_concurrently([*asking, *lists])))
    seen = {each.id for each in listed}
    return (*listed, *_fetch_objects(service, [each for each in uncertain if each[1] not in seen]))


def _verify_organization(service: Client, organization: str) -> tuple[LiveObject, ...]:
    check_organization(service, organization)
    return ()


def _list_kind(service: Client, kind: ResourceKind) -> tuple[LiveObject, ...]:
    return tuple(kind.decode(record) for record in service.list_records(kind.collection).records)


def read_live_objects(
    service: Client,
    listed: Iterable[LiveObject],
    desired: Iterable[DesiredResource],
    entries: Mapping[Address, StateEntry],
) -> dict[str, LiveObject]:
    """Return the live objects by id, in as much detail as the plan needs.

    A connection whose ``updated_at`` the state holds takes its fields from there. What the state
    knows at another time than a list shows, or as retired, is read on its own: a list may lag behind
    our own writes.
    """
    by_id = {known.id: known for known in entries.values()}
    wanted = {each.address for each in desired}
    new = wanted.difference(entries)
    live: dict[str, LiveObject] = {}
    unread: list[tuple[str, str]] = []
    for each in listed:
        known = by_id.get(each.id)
        if known and known.retired_at and each.status != "deleted":
            unread.append((each.address.kind, each.id))
            continue
        live[each.id] = each
        current = known and known.updated_at and known.updated_at == each.updated_at
        if not current and _is_relevant(each, known, new):
            unread.append((each.address.kind, each.id))
        elif known and current and not each.has_config:
            live[each.id] = replace(each, fields={**known.observed, **each.fields}, has_config=True)
    asked = frozenset(unread)
    unread += (each for each in _find_unlisted(wanted, entries, live) if each not in asked)
    live.update((each.id, each) for each in _fetch_objects(service, unread))
    return live


def _is_relevant(listed: LiveObject, entry: StateEntry | None, new: Collection[Address]) -> bool:
    if listed.has_config:
        return entry is not None and bool(entry.updated_at and listed.updated_at)
    return entry is not None or listed.address in new


def _find_unlisted(
    desired: Collection[Address], entries: Mapping[Address, StateEntry], live: Mapping[str, LiveObject]
) -> Iterator[tuple[str, str]]:
    for known in entries.values():
        if known.id not in live and (not known.retired_at or known.address in desired):
            yield known.address.kind, known.id


def _fetch_objects(service: Client, unread: list[tuple[str, str]]) -> Iterator[LiveObject]:
    def fetch_object(each: tuple[str, str]) -> LiveObject | None:
        kind = KINDS[each[0]]
        try:
            return kind.decode(service.read_record(kind.collection, each[1]))
        except NotFound:
            return None

    yield from (found for found in map_parallel(fetch_object, unread, MAX_PARALLEL_READS) if found)
