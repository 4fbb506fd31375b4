"""Read the live objects with as few requests as possible.

The lists are read first. A single object is read only if a list cannot answer: a connection that was
written since the last apply, or an object in the state that no list shows. Lists are filtered by the
rights of the API key, so absence from a list is not proof of deletion.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

from msgspec.structs import replace

from keyturn.client.client import Client
from keyturn.client.errors import NotFound
from keyturn.kinds import KINDS, ResourceKind
from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, error_diagnostic
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.operations.parallel import map_parallel, run_concurrently

MAX_PARALLEL_READS = 8
"""Objects read at the same time; the client's rate limiter sets the rate."""


def check_organization(service: Client, organization: str) -> None:
    """Raise DiagnosticError (KT520) if the API key belongs to another organization."""
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
    """Return the objects of all lists; raises ServiceError rather than return an incomplete list.

    ``uncertain`` are kind and ID of objects to read individually if the lists do not show them. If
    ``organization`` is given, ``check_organization`` runs at the same time.
    """
    checks = [partial(_verify_organization, service, organization)] if organization else []
    lists = [partial(_list_kind, service, kind) for kind in KINDS.values()]
    listed = tuple(chain.from_iterable(run_concurrently([*checks, *lists])))
    listed_ids = {live.id for live in listed}
    unlisted = [(kind, object_id) for kind, object_id in uncertain if object_id not in listed_ids]
    return (*listed, *_fetch_objects(service, unlisted))


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
    """Return the live objects by ID, in the detail that the plan needs.

    Raises DiagnosticError (KT521) if a row of a list that cannot be used has the name of a managed object.
    A connection with the ``updated_at`` of its state entry takes its fields from the entry. An object
    that the state has with another ``updated_at``, or as retired, is read individually, because a list
    may lag behind our own writes.
    """
    entries_by_id = {entry.id: entry for entry in entries.values()}
    addresses = {resource.address for resource in desired}
    _reject_managed_rows(service, addresses.union(entries))
    new_addresses = addresses.difference(entries)
    objects: dict[str, LiveObject] = {}
    unread: list[tuple[str, str]] = []
    for live in listed:
        entry = entries_by_id.get(live.id)
        if entry and entry.retired_at and live.status != "deleted":
            unread.append((live.address.kind, live.id))
            continue
        objects[live.id] = live
        is_current = entry and entry.updated_at and entry.updated_at == live.updated_at
        if not is_current and _is_relevant(live, entry, new_addresses):
            unread.append((live.address.kind, live.id))
        elif entry and is_current and not live.has_config:
            objects[live.id] = replace(live, fields={**entry.observed, **live.fields}, has_config=True)
    queued = frozenset(unread)
    unread += (key for key in _find_unlisted(addresses, entries, objects) if key not in queued)
    objects.update((live.id, live) for live in _fetch_objects(service, unread))
    return objects


def read_details(service: Client, listed: LiveObject) -> LiveObject:
    """Return a listed object with its config; read it if the list has none."""
    kind = KINDS[listed.address.kind]
    return listed if listed.has_config else kind.decode(service.read_record(kind.collection, listed.id))


def _reject_managed_rows(service: Client, managed: Collection[Address]) -> None:
    kinds = {kind.collection: kind.name for kind in KINDS.values()}
    found = [
        error_diagnostic(
            "KT521",
            SourceLocation(row.collection),
            f"{row}; it has the name of {address}, which keyturn manages",
            "rename or delete this object in Planasonix, or report the ID to the operator of the service",
        )
        for row in service.unusable_rows
        if (address := Address(kinds.get(row.collection, ""), row.name)) in managed
    ]
    if found:
        raise DiagnosticError(*found)


def _is_relevant(live: LiveObject, entry: StateEntry | None, new_addresses: Collection[Address]) -> bool:
    if live.has_config:
        return entry is not None and bool(entry.updated_at and live.updated_at)
    return entry is not None or live.address in new_addresses


def _find_unlisted(
    addresses: Collection[Address], entries: Mapping[Address, StateEntry], objects: Mapping[str, LiveObject]
) -> Iterator[tuple[str, str]]:
    for entry in entries.values():
        if entry.id not in objects and (not entry.retired_at or entry.address in addresses):
            yield entry.address.kind, entry.id


def _fetch_objects(service: Client, keys: list[tuple[str, str]]) -> Iterator[LiveObject]:
    def fetch_object(key: tuple[str, str]) -> LiveObject | None:
        kind_name, object_id = key
        kind = KINDS[kind_name]
        try:
            return kind.decode(service.read_record(kind.collection, object_id))
        except NotFound:
            return None

    yield from (live for live in map_parallel(fetch_object, keys, MAX_PARALLEL_READS) if live)
