"""How far a change reaches: connections in git and in the UI, pipelines, schedules, syncs.

Read only when something that exists changes, bounded, and "unknown" wherever the key's rights or
the API do not tell. Unknown is never nought.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from keyturn.api.client import Client
from keyturn.api.dialect import either
from keyturn.api.errors import ServiceError
from keyturn.api.records import Record
from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.plan import Impact
from keyturn.core.resource import Known, Live
from keyturn.engine.observe import READERS, side_by_side

PIPELINES = 500
"""How many pipelines are read in full at most; beyond that, what uses a connection is unknown."""

_QUIET = frozenset({Action.CREATE, Action.NOTE, Action.ADOPT, Action.FORGET})


@dataclass(frozen=True, slots=True)
class Reach:
    """The impact of each change, and by id the names of what uses an object and is not in git.

    ``room`` is how many more connections the organization may have; None where it was not asked
    or does not say.
    """

    impact: Mapping[Address, Impact]
    users: Mapping[str, tuple[str, ...]]
    room: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Names by id of what refers to an object; None where the service did not tell.

    ``linked``: whether connections say which credential they use at all; some deployments do not.
    """

    linked: bool
    pipelines: Mapping[str, tuple[str, ...]] | None
    syncs: Mapping[str, tuple[str, ...]] | None
    schedules: Mapping[str, tuple[str, ...]] | None


def measure(
    service: Client, changes: tuple[Change, ...], live: Mapping[str, Live], known: Mapping[Address, Known]
) -> Reach:
    """Return how far each change of something that exists reaches."""
    concerned = [change for change in changes if change.live and change.action not in _QUIET]
    room = _room(service, changes, live)
    if not concerned:
        return Reach({}, {}, room)
    graph = graph_of(service, _ids(concerned, live), linked_at_all(live))
    ours = {each.id for each in known.values()}
    gone = {change.live.id for change in concerned if change.live and change.action is Action.RETIRE}
    impact: dict[Address, Impact] = {}
    users: dict[str, tuple[str, ...]] = {}
    for change in concerned:
        if change.live is None:
            continue
        direct = _connections_of(change.live, live)
        outsiders = [each for each in direct if each.id not in ours]
        impact[change.address] = _impact(change.live, direct, outsiders, graph)
        users[change.live.id] = _users(
            change.live, [each for each in outsiders if each.id not in gone], graph
        )
    return Reach(impact, users, room)


def _room(service: Client, changes: tuple[Change, ...], live: Mapping[str, Live]) -> int | None:
    more = any(change.action is Action.CREATE and change.address.kind == "connection" for change in changes)
    if not more:
        return None
    try:
        most = service.limits().get("max_connections")
    except ServiceError:
        return None
    return None if most is None else most - sum(each.address.kind == "connection" for each in live.values())


def _ids(changes: Iterable[Change], live: Mapping[str, Live]) -> frozenset[str]:
    found = {change.live.id for change in changes if change.live}
    return frozenset(found | {each.id for each in live.values() if found & set(_leaves(each))})


def _leaves(live: Live) -> Iterator[str]:
    yield from (leaf for leaf in live.fields.values() if isinstance(leaf, str))


def _connections_of(target: Live, live: Mapping[str, Live]) -> list[Live]:
    if target.address.kind == "connection":
        return [target]
    users = [
        each for each in live.values() if each.address.kind == "connection" and target.id in _leaves(each)
    ]
    return sorted(users, key=lambda each: each.address)


def _users(target: Live, outsiders: list[Live], graph: Graph) -> tuple[str, ...]:
    if target.address.kind == "connection":
        return _named(graph.pipelines, [target], "pipeline") + _named(graph.syncs, [target], "sync")
    return tuple(str(each.address) for each in outsiders)


def _named(known: Mapping[str, tuple[str, ...]] | None, targets: list[Live], word: str) -> tuple[str, ...]:
    return tuple(f"{word} {name}" for each in targets for name in (known or {}).get(each.id, ()))


def _impact(target: Live, direct: list[Live], outsiders: list[Live], graph: Graph) -> Impact:
    runs = _gathered(graph.schedules, direct)
    return Impact(
        connections=len(direct) if graph.linked else None,
        pipelines=_count(graph.pipelines, direct),
        syncs=_count(graph.syncs, direct),
        scheduled=None if runs is None else len(runs),
        next_run=min((run for run in runs or () if run), default=""),
        outsiders=tuple(str(each.address) for each in outsiders if each.id != target.id),
        insiders=tuple(str(each.address) for each in direct if each not in (target, *outsiders)),
        work=_work(graph, direct),
    )


def _work(graph: Graph, targets: list[Live]) -> tuple[str, ...]:
    pipelines, syncs = _gathered(graph.pipelines, targets), _gathered(graph.syncs, targets)
    named = {f"pipeline/{name}" for name in pipelines or ()} | {f"sync/{name}" for name in syncs or ()}
    return tuple(sorted(named))


def _gathered(known: Mapping[str, tuple[str, ...]] | None, targets: list[Live]) -> list[str] | None:
    return None if known is None else [name for each in targets for name in known.get(each.id, ())]


def _count(known: Mapping[str, tuple[str, ...]] | None, targets: list[Live]) -> int | None:
    found = _gathered(known, targets)
    return None if found is None else len(set(found))


def linked_at_all(live: Mapping[str, Live]) -> bool:
    """Tell whether connections say which credential they use; where there are none, nothing is hidden."""
    connections = [each for each in live.values() if each.address.kind == "connection"]
    return not connections or any(("credential",) in each.fields for each in connections)


def graph_of(service: Client, ids: frozenset[str], linked: bool) -> Graph:  # noqa: FBT001
    """Return what refers to the objects of these ids; None for each sort that the service does not tell."""
    pipelines = _pipelines(service)
    if pipelines is None:
        return Graph(linked=linked, pipelines=None, syncs=_syncs(service, ids), schedules=None)
    users = {each.id: set(strings(each.extra)) & ids for each in pipelines}
    return Graph(
        linked=linked,
        pipelines=_named_by(pipelines, ids),
        syncs=_syncs(service, ids),
        schedules=_schedules(service, users),
    )


def strings(tree: object) -> Iterator[str]:
    """Yield every string in a document, however deep: ids stand wherever a vendor puts them."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value)


def _pipelines(service: Client) -> tuple[Record, ...] | None:
    try:
        listed = service.pipelines().records
        if len(listed) > PIPELINES:
            return None
        return tuple(side_by_side(service.pipeline, [each.id for each in listed], READERS))
    except ServiceError:
        return None


def _schedules(service: Client, users: Mapping[str, set[str]]) -> Mapping[str, tuple[str, ...]] | None:
    try:
        schedules = service.schedules().records
    except ServiceError:
        return None
    runs: dict[str, list[str]] = {}
    for each in schedules:
        if either(each.extra, "enabled") is False:
            continue
        for found in users.get(str(either(each.extra, "pipeline_id") or ""), ()):
            runs.setdefault(found, []).append(str(either(each.extra, "next_run_at") or ""))
    return {key: tuple(sorted(found)) for key, found in runs.items()}


def _syncs(service: Client, ids: frozenset[str]) -> Mapping[str, tuple[str, ...]] | None:
    try:
        return _named_by(service.syncs().records, ids)
    except ServiceError:
        return None


def _named_by(records: Iterable[Record], ids: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    named: dict[str, list[str]] = {}
    for each in records:
        for found in set(strings(each.extra)) & ids:
            named.setdefault(found, []).append(each.name or each.id)
    return {key: tuple(sorted(names)) for key, names in named.items()}
