"""How far a change reaches: connections in git and in the UI, pipelines, schedules, syncs.

Read only when something that exists changes, bounded, and "unknown" wherever the key's rights or
the API do not tell. Unknown is never nought.
"""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from keyturn.api.client import Client
from keyturn.api.errors import ServiceError
from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.plan import Impact
from keyturn.core.resource import Known, Live
from keyturn.engine.graph import Graph, Uses, gathered, graph_of, strings
from keyturn.engine.observe import READERS
from keyturn.engine.together import side_by_side
from keyturn.kinds import KINDS

CONNECTIONS = 500
"""How many connections that no list shows whole are read for a credential at most."""

_QUIET = frozenset({Action.CREATE, Action.NOTE, Action.FORGET})


class Reach(Struct, frozen=True):
    """The impact of each change, and by id the names of what uses an object and is not in git.

    ``room`` is how many more connections the organization may have; None where it was not asked
    or does not say.
    """

    impact: Mapping[Address, Impact]
    users: Mapping[str, tuple[str, ...]]
    room: int | None = None


class _Scene(Struct, frozen=True, kw_only=True):
    """What was seen: by the id of a credential its connections, and whether those are surely all."""

    users: Mapping[str, tuple[Live, ...]]
    complete: bool
    graph: Graph
    ours: frozenset[str]


def measure(
    service: Client, changes: tuple[Change, ...], live: Mapping[str, Live], known: Mapping[Address, Known]
) -> Reach:
    """Return how far each change of something that exists reaches."""
    concerned = [(change, change.live) for change in changes if change.live and change.action not in _QUIET]
    room = _room(service, changes, live)
    if not concerned:
        return Reach({}, {}, room)
    retired = frozenset(target.id for change, target in concerned if change.action is Action.RETIRE)
    scene = _look(service, [target for _, target in concerned], live, known)
    return Reach(
        {change.address: _impact(target, scene) for change, target in concerned},
        {target.id: _users(target, scene, retired) for _, target in concerned},
        room,
    )


def _look(
    service: Client, targets: list[Live], live: Mapping[str, Live], known: Mapping[Address, Known]
) -> _Scene:
    held = [target.id for target in targets if target.address.kind == "credential"]
    seen, whole = _whole(service, live) if held else (live, True)
    linked = linked_at_all(seen)
    users = _connections(frozenset(held), seen) if linked else _stated(frozenset(held), seen, known)
    ids = {target.id for target in targets} | {each.id for found in users.values() for each in found}
    return _Scene(
        users=users,
        complete=whole and linked,
        graph=graph_of(service, frozenset(ids), linked),
        ours=frozenset(each.id for each in known.values() if not each.retired_at),
    )


def _room(service: Client, changes: tuple[Change, ...], live: Mapping[str, Live]) -> int | None:
    more = any(change.action is Action.CREATE and change.address.kind == "connection" for change in changes)
    if not more:
        return None
    try:
        most = service.limits().get("max_connections")
    except ServiceError:
        return None
    return None if most is None else most - sum(each.address.kind == "connection" for each in live.values())


def _whole(service: Client, live: Mapping[str, Live]) -> tuple[Mapping[str, Live], bool]:
    # Further references stand in settings, which lists leave out and the ledger holds of ours alone.
    unread = [each.id for each in _standing(live) if not each.detailed]
    if len(unread) > CONNECTIONS:
        return live, False
    kind = KINDS["connection"]

    def one(identity: str) -> Live | None:
        try:
            return kind.decode(service.fetch(kind.collection, identity))
        except ServiceError:
            return None

    found = side_by_side(one, unread, READERS)
    return {**live, **{each.id: each for each in found if each}}, all(found)


def _standing(live: Mapping[str, Live]) -> Iterator[Live]:
    yield from (
        each for each in live.values() if each.address.kind == "connection" and each.status != "deleted"
    )


def _connections(targets: frozenset[str], live: Mapping[str, Live]) -> Mapping[str, tuple[Live, ...]]:
    found: dict[str, list[Live]] = {target: [] for target in targets}
    for each in sorted(_standing(live), key=lambda each: each.address):
        for target in targets.intersection(strings(list(each.fields.values()))):
            found[target].append(each)
    return {target: tuple(users) for target, users in found.items()}


def _stated(
    targets: frozenset[str], live: Mapping[str, Live], known: Mapping[Address, Known]
) -> Mapping[str, tuple[Live, ...]]:
    # Where the service does not say who uses what, the ledger says it of ours.
    found: dict[str, list[Live]] = {target: [] for target in targets}
    standing = {each.id: each for each in _standing(live)}
    for _, entry in sorted(known.items()):
        used = {leaf for leaf in entry.applied.values() if isinstance(leaf, Address)}
        for target in {known[each].id for each in used if each in known} & targets:
            found[target] += [standing[entry.id]] if entry.id in standing else []
    return {target: tuple(users) for target, users in found.items()}


def _users(target: Live, scene: _Scene, retired: Collection[str]) -> tuple[str, ...]:
    work = (*_words("pipeline ", scene.graph.pipelines, target), *_words("sync ", scene.graph.syncs, target))
    strangers = [each for each in scene.users.get(target.id, ()) if each.id not in scene.ours]
    return (*(str(each.address) for each in strangers if each.id not in retired), *work)


def _words(lead: str, known: Uses, target: Live) -> tuple[str, ...]:
    return tuple(f"{lead}{each.label}" for each in gathered(known, [target.id]) or ())


def _impact(target: Live, scene: _Scene) -> Impact:
    own = target.address.kind == "connection"
    direct = (target,) if own else scene.users[target.id]
    complete, ids = own or scene.complete, [target.id, *(each.id for each in direct)]
    graph = scene.graph
    runs = gathered(graph.schedules, ids)
    return Impact(
        connections=len(direct) if complete else None,
        pipelines=_count(graph.pipelines, ids) if complete else None,
        syncs=_count(graph.syncs, ids) if complete else None,
        scheduled=len(runs) if complete and runs is not None else None,
        next_run=min((run.label for run in runs or () if run.label), default=""),
        outsiders=tuple(str(each.address) for each in direct if each.id not in scene.ours and not own),
        insiders=tuple(str(each.address) for each in direct if each.id in scene.ours and not own),
        work=_work(graph, ids),
    )


def _work(graph: Graph, ids: list[str]) -> tuple[str, ...]:
    named = {f"pipeline/{each.label}" for each in gathered(graph.pipelines, ids) or ()}
    return tuple(sorted(named | {f"sync/{each.label}" for each in gathered(graph.syncs, ids) or ()}))


def _count(known: Uses, ids: list[str]) -> int | None:
    found = gathered(known, ids)
    return None if found is None else len(found)


def linked_at_all(live: Mapping[str, Live]) -> bool:
    """Tell whether connections say which credential they use; where there are none, nothing is hidden."""
    connections = [each for each in live.values() if each.address.kind == "connection"]
    return not connections or any(("credential",) in each.fields for each in connections)
