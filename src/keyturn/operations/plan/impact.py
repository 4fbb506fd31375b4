"""The impact of a change: the connections, pipelines, syncs and schedules that use an object.

Usage is read only if an existing object changes, with a limit on requests. A number is None where the
API or the rights of the key do not show it; unknown is never 0.
"""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from keyturn.client.client import Client
from keyturn.client.errors import ServiceError
from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.plan import Impact
from keyturn.model.resource import LiveObject, StateEntry
from keyturn.operations.observe import MAX_PARALLEL_READS, read_details
from keyturn.operations.parallel import map_parallel
from keyturn.operations.plan.usage_graph import (
    UsageGraph,
    UsageIndex,
    build_usage_graph,
    iterate_strings,
    users_of,
)

MAX_CONNECTION_READS = 500
"""Maximum number of connections to read in full; with more, the users of a credential are unknown."""

_ACTIONS_WITHOUT_IMPACT = frozenset({Action.CREATE, Action.NO_OP, Action.FORGET})


class ImpactReport(Struct, frozen=True):
    """The impact of each change, and the unmanaged users of each object.

    ``users`` is by ID and holds addresses of connections and labels of pipelines and syncs.
    ``remaining_connections`` is how many more connections the organization may have; None if unknown
    or not needed.
    """

    impact: Mapping[Address, Impact]
    users: Mapping[str, tuple[str, ...]]
    remaining_connections: int | None = None


class _UsageSnapshot(Struct, frozen=True, kw_only=True):
    """Observed usage: the connections of each credential by ID, and whether they are complete."""

    connections: Mapping[str, tuple[LiveObject, ...]]
    complete: bool
    graph: UsageGraph
    managed_ids: frozenset[str]


def compute_impact(
    service: Client,
    changes: tuple[Change, ...],
    live: Mapping[str, LiveObject],
    entries: Mapping[Address, StateEntry],
) -> ImpactReport:
    """Return the impact of each change of an existing object; ``live`` holds the live objects by ID."""
    affected = [
        (change, change.live)
        for change in changes
        if change.live and change.action not in _ACTIONS_WITHOUT_IMPACT
    ]
    remaining = _count_remaining_connections(service, changes, live)
    if not affected:
        return ImpactReport({}, {}, remaining)
    retired = frozenset(target.id for change, target in affected if change.action is Action.RETIRE)
    usage = _read_usage(service, [target for _, target in affected], live, entries)
    return ImpactReport(
        {change.address: _build_impact(target, usage) for change, target in affected},
        {target.id: _name_unmanaged_users(target, usage, retired) for _, target in affected},
        remaining,
    )


def _read_usage(
    service: Client,
    targets: list[LiveObject],
    live: Mapping[str, LiveObject],
    entries: Mapping[Address, StateEntry],
) -> _UsageSnapshot:
    credentials = frozenset(target.id for target in targets if target.address.kind == "credential")
    detailed, complete = _read_connection_details(service, live) if credentials else (live, True)
    linked = has_credential_links(detailed)
    connections = (
        _find_connections(credentials, detailed)
        if linked
        else _find_recorded_connections(credentials, detailed, entries)
    )
    ids = {target.id for target in targets} | {each.id for users in connections.values() for each in users}
    graph = build_usage_graph(service, frozenset(ids), linked=linked)
    return _UsageSnapshot(
        connections=connections,
        complete=complete and linked and not service.unusable_rows,
        graph=graph,
        managed_ids=frozenset(entry.id for entry in entries.values() if not entry.retired_at),
    )


def _count_remaining_connections(
    service: Client, changes: tuple[Change, ...], live: Mapping[str, LiveObject]
) -> int | None:
    if not any(change.action is Action.CREATE and change.address.kind == "connection" for change in changes):
        return None
    try:
        limit = service.read_limits().get("max_connections")
    except ServiceError:
        return None
    return None if limit is None else limit - sum(each.address.kind == "connection" for each in live.values())


def _read_connection_details(
    service: Client, live: Mapping[str, LiveObject]
) -> tuple[Mapping[str, LiveObject], bool]:
    # A config may hold further references. Lists omit configs; the state has those of managed connections.
    unread = [each for each in _iterate_connections(live) if not each.has_config]
    if len(unread) > MAX_CONNECTION_READS:
        return live, False
    details = map_parallel(lambda each: try_read_details(service, each), unread, MAX_PARALLEL_READS)
    return {**live, **{each.id: each for each in details if each}}, all(details)


def try_read_details(service: Client, listed: LiveObject) -> LiveObject | None:
    """Return a listed object with its config; None if the service refuses the request."""
    try:
        return read_details(service, listed)
    except ServiceError:
        return None


def _iterate_connections(live: Mapping[str, LiveObject]) -> Iterator[LiveObject]:
    yield from (
        each for each in live.values() if each.address.kind == "connection" and each.status != "deleted"
    )


def _find_connections(
    targets: frozenset[str], live: Mapping[str, LiveObject]
) -> Mapping[str, tuple[LiveObject, ...]]:
    users: dict[str, list[LiveObject]] = {target: [] for target in targets}
    for connection in sorted(_iterate_connections(live), key=lambda each: each.address):
        for target in targets.intersection(iterate_strings(list(connection.fields.values()))):
            users[target].append(connection)
    return {target: tuple(connections) for target, connections in users.items()}


def _find_recorded_connections(
    targets: frozenset[str], live: Mapping[str, LiveObject], entries: Mapping[Address, StateEntry]
) -> Mapping[str, tuple[LiveObject, ...]]:
    # The API does not return the credential of a connection; the state has it for managed connections.
    users: dict[str, list[LiveObject]] = {target: [] for target in targets}
    connections = {each.id: each for each in _iterate_connections(live)}
    for _, entry in sorted(entries.items()):
        references = {leaf for leaf in entry.applied.values() if isinstance(leaf, Address)}
        for target in {entries[each].id for each in references if each in entries} & targets:
            users[target] += [connections[entry.id]] if entry.id in connections else []
    return {target: tuple(found) for target, found in users.items()}


def _name_unmanaged_users(
    target: LiveObject, usage: _UsageSnapshot, retired: Collection[str]
) -> tuple[str, ...]:
    connections = (
        str(each.address)
        for each in usage.connections.get(target.id, ())
        if each.id not in usage.managed_ids and each.id not in retired
    )
    pipelines = _label_users("pipeline", usage.graph.pipelines, target)
    return (*connections, *pipelines, *_label_users("sync", usage.graph.syncs, target))


def _label_users(kind: str, index: UsageIndex, target: LiveObject) -> tuple[str, ...]:
    return tuple(f"{kind} {each.label}" for each in users_of(index, [target.id]) or ())


def _build_impact(target: LiveObject, usage: _UsageSnapshot) -> Impact:
    is_connection = target.address.kind == "connection"
    direct = (target,) if is_connection else usage.connections[target.id]
    others = () if is_connection else direct
    complete, ids = is_connection or usage.complete, [target.id, *(each.id for each in direct)]
    graph = usage.graph
    runs = users_of(graph.schedules, ids)
    return Impact(
        connections=len(direct) if complete else None,
        pipelines=_count_users(graph.pipelines, ids) if complete else None,
        syncs=_count_users(graph.syncs, ids) if complete else None,
        scheduled=len(runs) if complete and runs is not None else None,
        next_run=min((run.label for run in runs or () if run.label), default=""),
        unmanaged_connections=tuple(str(each.address) for each in others if each.id not in usage.managed_ids),
        managed_connections=tuple(str(each.address) for each in others if each.id in usage.managed_ids),
        downstream=_name_workloads(graph, ids),
    )


def _name_workloads(graph: UsageGraph, ids: list[str]) -> tuple[str, ...]:
    pipelines = {f"pipeline/{each.label}" for each in users_of(graph.pipelines, ids) or ()}
    return tuple(sorted(pipelines | {f"sync/{each.label}" for each in users_of(graph.syncs, ids) or ()}))


def _count_users(index: UsageIndex, ids: list[str]) -> int | None:
    users = users_of(index, ids)
    return None if users is None else len(users)


def has_credential_links(live: Mapping[str, LiveObject]) -> bool:
    """Return whether the API returns the credential of a connection; True if there are no connections."""
    connections = [each for each in live.values() if each.address.kind == "connection"]
    return not connections or any(("credential",) in each.fields for each in connections)
