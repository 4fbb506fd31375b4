"""How far a change reaches: connections in git and in the UI, pipelines, schedules, syncs.

Read only when something that exists changes, bounded, and "unknown" wherever the key's rights or
the API do not tell. Unknown is never nought.
"""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from keyturn.client.client import Client
from keyturn.client.errors import ServiceError
from keyturn.kinds import KINDS
from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.plan import Impact
from keyturn.model.resource import LiveObject, StateEntry
from keyturn.operations.observe import MAX_PARALLEL_READS
from keyturn.operations.parallel import map_parallel
from keyturn.operations.plan.usage_graph import (
    UsageGraph,
    UsageIndex,
    build_usage_graph,
    iterate_strings,
    users_of,
)

MAX_CONNECTION_READS = 500
"""How many connections that no list shows whole are read for a credential at most."""

_ACTIONS_WITHOUT_IMPACT = frozenset({Action.CREATE, Action.NO_OP, Action.FORGET})


class ImpactReport(Struct, frozen=True):
    """The impact of each change, and by id the names of what uses an object and is not in git.

    ``room`` is how many more connections the organization may have; None where it was not asked
    or does not say.
    """

    impact: Mapping[Address, Impact]
    users: Mapping[str, tuple[str, ...]]
    remaining_connections: int | None = None


class _UsageSnapshot(Struct, frozen=True, kw_only=True):
    """What was seen: by the id of a credential its connections, and whether those are surely all."""

    connections: Mapping[str, tuple[LiveObject, ...]]
    complete: bool
    graph: UsageGraph
    managed_ids: frozenset[str]


def compute_impact(
    service: Client,
    changes: tuple[Change, ...],
    live: Mapping[str, LiveObject],
    known: Mapping[Address, StateEntry],
) -> ImpactReport:
    """Return how far each change of something that exists reaches."""
    concerned = [
        (change, change.live)
        for change in changes
        if change.live and change.action not in _ACTIONS_WITHOUT_IMPACT
    ]
    room = _count_remaining_connections(service, changes, live)
    if not concerned:
        return ImpactReport({}, {}, room)
    retired = frozenset(target.id for change, target in concerned if change.action is Action.RETIRE)
    scene = _read_usage(service, [target for _, target in concerned], live, known)
    return ImpactReport(
        {change.address: _build_impact(target, scene) for change, target in concerned},
        {target.id: _name_users(target, scene, retired) for _, target in concerned},
        room,
    )


def _read_usage(
    service: Client,
    targets: list[LiveObject],
    live: Mapping[str, LiveObject],
    known: Mapping[Address, StateEntry],
) -> _UsageSnapshot:
    held = [target.id for target in targets if target.address.kind == "credential"]
    seen, whole = _read_connection_details(service, live) if held else (live, True)
    linked = has_credential_links(seen)
    users = (
        _find_connections(frozenset(held), seen)
        if linked
        else _find_recorded_connections(frozenset(held), seen, known)
    )
    ids = {target.id for target in targets} | {each.id for found in users.values() for each in found}
    return _UsageSnapshot(
        connections=users,
        complete=whole and linked,
        graph=build_usage_graph(service, frozenset(ids), linked),
        managed_ids=frozenset(each.id for each in known.values() if not each.retired_at),
    )


def _count_remaining_connections(
    service: Client, changes: tuple[Change, ...], live: Mapping[str, LiveObject]
) -> int | None:
    more = any(change.action is Action.CREATE and change.address.kind == "connection" for change in changes)
    if not more:
        return None
    try:
        most = service.read_limits().get("max_connections")
    except ServiceError:
        return None
    return None if most is None else most - sum(each.address.kind == "connection" for each in live.values())


def _read_connection_details(
    service: Client, live: Mapping[str, LiveObject]
) -> tuple[Mapping[str, LiveObject], bool]:
    # Further references stand in settings, which lists leave out and the state holds of ours alone.
    unread = [each.id for each in _iterate_connections(live) if not each.has_config]
    if len(unread) > MAX_CONNECTION_READS:
        return live, False
    kind = KINDS["connection"]

    def read_details(identity: str) -> LiveObject | None:
        try:
            return kind.decode(service.read_record(kind.collection, identity))
        except ServiceError:
            return None

    found = map_parallel(read_details, unread, MAX_PARALLEL_READS)
    return {**live, **{each.id: each for each in found if each}}, all(found)


def _iterate_connections(live: Mapping[str, LiveObject]) -> Iterator[LiveObject]:
    yield from (
        each for each in live.values() if each.address.kind == "connection" and each.status != "deleted"
    )


def _find_connections(
    targets: frozenset[str], live: Mapping[str, LiveObject]
) -> Mapping[str, tuple[LiveObject, ...]]:
    found: dict[str, list[LiveObject]] = {target: [] for target in targets}
    for each in sorted(_iterate_connections(live), key=lambda each: each.address):
        for target in targets.intersection(iterate_strings(list(each.fields.values()))):
            found[target].append(each)
    return {target: tuple(users) for target, users in found.items()}


def _find_recorded_connections(
    targets: frozenset[str], live: Mapping[str, LiveObject], known: Mapping[Address, StateEntry]
) -> Mapping[str, tuple[LiveObject, ...]]:
    # Where the service does not say who uses what, the state says it of ours.
    found: dict[str, list[LiveObject]] = {target: [] for target in targets}
    standing = {each.id: each for each in _iterate_connections(live)}
    for _, entry in sorted(known.items()):
        used = {leaf for leaf in entry.applied.values() if isinstance(leaf, Address)}
        for target in {known[each].id for each in used if each in known} & targets:
            found[target] += [standing[entry.id]] if entry.id in standing else []
    return {target: tuple(users) for target, users in found.items()}


def _name_users(target: LiveObject, scene: _UsageSnapshot, retired: Collection[str]) -> tuple[str, ...]:
    work = (
        *_label_users("pipeline ", scene.graph.pipelines, target),
        *_label_users("sync ", scene.graph.syncs, target),
    )
    strangers = [each for each in scene.connections.get(target.id, ()) if each.id not in scene.managed_ids]
    return (*(str(each.address) for each in strangers if each.id not in retired), *work)


def _label_users(lead: str, known: UsageIndex, target: LiveObject) -> tuple[str, ...]:
    return tuple(f"{lead}{each.label}" for each in users_of(known, [target.id]) or ())


def _build_impact(target: LiveObject, scene: _UsageSnapshot) -> Impact:
    own = target.address.kind == "connection"
    direct = (target,) if own else scene.connections[target.id]
    complete, ids = own or scene.complete, [target.id, *(each.id for each in direct)]
    graph = scene.graph
    runs = users_of(graph.schedules, ids)
    return Impact(
        connections=len(direct) if complete else None,
        pipelines=_count_users(graph.pipelines, ids) if complete else None,
        syncs=_count_users(graph.syncs, ids) if complete else None,
        scheduled=len(runs) if complete and runs is not None else None,
        next_run=min((run.label for run in runs or () if run.label), default=""),
        unmanaged_connections=tuple(
            str(each.address) for each in direct if each.id not in scene.managed_ids and not own
        ),
        managed_connections=tuple(
            str(each.address) for each in direct if each.id in scene.managed_ids and not own
        ),
        downstream=_name_workloads(graph, ids),
    )


def _name_workloads(graph: UsageGraph, ids: list[str]) -> tuple[str, ...]:
    named = {f"pipeline/{each.label}" for each in users_of(graph.pipelines, ids) or ()}
    return tuple(sorted(named | {f"sync/{each.label}" for each in users_of(graph.syncs, ids) or ()}))


def _count_users(known: UsageIndex, ids: list[str]) -> int | None:
    found = users_of(known, ids)
    return None if found is None else len(found)


def has_credential_links(live: Mapping[str, LiveObject]) -> bool:
    """Tell whether connections say which credential they use; where there are none, nothing is hidden."""
    connections = [each for each in live.values() if each.address.kind == "connection"]
    return not connections or any(("credential",) in each.fields for each in connections)
