"""The quarterly review: credentials, what uses them, how old they are, what ends, who can decrypt.

The service has no call for it, so it is computed: every connection is read whole, and its settings
are searched for ids, because further references stand wherever a connector puts them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct

from keyturn.api.errors import ServiceError
from keyturn.core.address import Address
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Cause, Faulty
from keyturn.core.fields import Path
from keyturn.core.resource import Desired, Known, Live
from keyturn.core.secret import Secret
from keyturn.core.usage import Ending, Reach, Review, Usage
from keyturn.engine.graph import Graph, Uses, gathered, graph_of, strings
from keyturn.engine.impact import linked_at_all
from keyturn.engine.observe import READERS, census, refuse_foreign
from keyturn.engine.opening import Opener
from keyturn.engine.run import Run
from keyturn.engine.together import side_by_side
from keyturn.kinds import KINDS
from keyturn.ledger.reading import read_ledger
from keyturn.load.access import readers
from keyturn.load.desired import Loaded
from keyturn.load.files import survey
from keyturn.load.unseal import unseal
from keyturn.policy.judge import judge
from keyturn.policy.material import expiries
from keyturn.policy.rule import Context
from keyturn.policy.subject import Subject


class _Scene(Struct, frozen=True, kw_only=True):
    """What was seen: the live objects, which of them were read whole, and what the ledger knows."""

    run: Run
    loaded: Loaded
    entries: Mapping[Address, Known]
    live: tuple[Live, ...]
    complete: bool
    graph: Graph
    users: Mapping[str | Address, tuple[Live, ...]]


def review(run: Run, *, decrypt: bool) -> Review:
    """Return the review of a workspace; with ``decrypt``, expiries inside secrets are looked at too.

    Raises what loading, the ledger and the two lists raise; all else that cannot be seen is a note.
    """
    opener = Opener.of(run)
    loaded = opener.load()
    refuse_foreign(run.service, run.workspace.organization)
    entries = read_ledger(run.store, run.workspace.name, run.workspace.organization).ledger.entries
    notes: list[str] = []
    scene = _look(run, loaded, entries, notes)
    opened = _opened(run, loaded, notes) if decrypt else {}
    today = run.clock.now().date()
    usages = _usages(scene, opened, today)
    return Review(
        workspace=run.workspace.name,
        organization=run.workspace.organization,
        today=today,
        notice=run.project.policy.expiry_days,
        usages=tuple(sorted(usages, key=lambda each: each.address)),
        notes=tuple(notes),
    )


def _look(run: Run, loaded: Loaded, entries: Mapping[Address, Known], notes: list[str]) -> _Scene:
    listed = [each for each in census(run.service) if each.status != "deleted"]
    connections = [each for each in listed if each.address.kind == "connection"]
    whole = [each for each in side_by_side(lambda each: _whole(each, run), connections, READERS) if each]
    complete = True
    if len(whole) < len(connections):
        complete = False
        notes.append(f"{counted(len(connections) - len(whole), 'connection')} cannot be read by this key")
    hidden = {known.id for known in entries.values() if not known.retired_at} - {each.id for each in listed}
    if hidden:
        complete = False
        notes.append(f"{counted(len(hidden), 'object')} of the ledger not shown to this key, or gone")
    linked = linked_at_all({each.id: each for each in whole})
    if not linked:
        complete = False
        notes.append("this deployment does not say which credential a connection uses: git's word is taken")
    live = (*(each for each in listed if each.address.kind == "credential"), *whole)
    graph = graph_of(run.service, frozenset(each.id for each in live), linked)
    for seen, word in (
        (graph.pipelines, "pipelines"),
        (graph.syncs, "syncs"),
        (graph.schedules, "schedules"),
    ):
        if seen is None:
            notes.append(f"{word} are unknown: this key may not read them, or they are too many")
    return _Scene(
        run=run,
        loaded=loaded,
        entries=entries,
        live=live,
        complete=complete,
        graph=graph,
        users=_users(loaded, live, graph),
    )


def _whole(live: Live, run: Run) -> Live | None:
    if live.detailed:
        return live
    kind = KINDS[live.address.kind]
    try:
        return kind.decode(run.service.fetch(kind.collection, live.id))
    except ServiceError:
        return None


def _opened(run: Run, loaded: Loaded, notes: list[str]) -> Mapping[Address, Mapping[Path, Secret]]:
    holding = tuple(each for each in loaded.desired if each.secrets)
    try:
        opened = unseal(holding, run.project, run.environment) if holding else ()
    except Faulty:
        notes.append("secrets could not be decrypted here: what ends inside them is unknown")
        return {}
    return {
        each.address: {path: value for path, value in each.secrets.items() if isinstance(value, Secret)}
        for each in opened
    }


def _usages(scene: _Scene, opened: Mapping[Address, Mapping[Path, Secret]], today: date) -> Iterable[Usage]:
    run, loaded = scene.run, scene.loaded
    desired = {each.address: each for each in loaded.desired if each.address.kind == "credential"}
    subjects = {each.address: each for each in loaded.subjects}
    live = {each.id: each for each in scene.live if each.address.kind == "credential"}
    may_read = readers(survey(run.root, run.workspace.manifests).sources)
    lasting = _lasting(run, loaded, today)
    named: dict[Address, str] = {address: known.id for address, known in scene.entries.items()}
    for address, wanted in desired.items():
        now = live.pop(named.get(address, ""), None)
        known = scene.entries.get(address)
        yield Usage(
            address=address,
            type=wanted.type,
            file=wanted.origin.file,
            status=now.status if now else "",
            owner=wanted.labels.get("owner", ""),
            reach=_reach(address, now, scene),
            rotated=date.fromisoformat(known.rotated_at[:10]) if known and known.rotated_at else None,
            max_age_days=wanted.lifecycle.max_age_days or run.project.policy.max_age_days,
            endings=_endings(subjects[address], opened.get(address, {})),
            lasting=lasting.get(address, ""),
            readers=_readers(wanted, may_read),
        )
    for each in live.values():
        yield Usage(
            address=each.address, type=each.type, status=each.status, reach=_reach(each.address, each, scene)
        )


def _readers(wanted: Desired, may_read: Mapping[str, object]) -> tuple[str, ...]:
    found = may_read.get(wanted.origin.file)
    return tuple(sorted(getattr(found, "names", ())))


def _endings(subject: Subject, secrets: Mapping[Path, Secret]) -> tuple[Ending, ...]:
    return tuple(Ending(each.what, each.day) for each in expiries(subject, secrets))


def _lasting(run: Run, loaded: Loaded, today: date) -> Mapping[Address, str]:
    findings = judge(loaded.subjects, run.project.policy, Context(today=today))
    found = {
        each.address: each.message for each in findings if each.cause is Cause.LONG_LIVED_KEY and each.address
    }
    users = {each.address: each for each in loaded.desired}
    for each in findings:
        # The finding stands at the connection; the password that could be none is its credential's.
        if each.cause is Cause.STATIC_DATABASE_LOGIN and each.address:
            used = users[each.address].fields.get(("credential",))
            if isinstance(used, Address):
                found.setdefault(used, each.message)
    return found


def _users(loaded: Loaded, live: Iterable[Live], graph: Graph) -> Mapping[str | Address, tuple[Live, ...]]:
    # By a credential's id; where the deployment shows no link, by its address too, on git's word.
    found: dict[str | Address, list[Live]] = {}
    stated = {each.address: each for each in loaded.desired} if not graph.linked else {}
    for each in live:
        if each.address.kind != "connection":
            continue
        for text in set(strings(list(each.fields.values()))):
            found.setdefault(text, []).append(each)
        wanted = stated.get(each.address)
        leaves = wanted.fields.values() if wanted else ()
        for used in {leaf for leaf in leaves if isinstance(leaf, Address)}:
            found.setdefault(used, []).append(each)
    return {key: tuple(users) for key, users in found.items()}


def _reach(address: Address, live: Live | None, scene: _Scene) -> Reach:
    graph = scene.graph
    shown = scene.users.get(live.id, ()) if live else ()
    direct = [*shown, *(each for each in scene.users.get(address, ()) if each not in shown)]
    ids = [each.id for each in direct] + ([live.id] if live else [])
    runs = gathered(graph.schedules, ids)
    # Where a connection may be hidden, so may be whatever runs on it: none is then no answer.
    sure = scene.complete
    pipelines, syncs = _names(graph.pipelines, ids), _names(graph.syncs, ids)
    return Reach(
        connections=tuple(sorted(each.address.name for each in direct)),
        complete=scene.complete,
        pipelines=pipelines if sure or pipelines else None,
        syncs=syncs if sure or syncs else None,
        schedules=len(runs) if runs is not None and (sure or runs) else None,
        next_run=min((each.label for each in runs or () if each.label), default=""),
        links=tuple(sorted(set(_links(address, live, direct, graph)))),
    )


def _links(
    address: Address, live: Live | None, direct: Iterable[Live], graph: Graph
) -> Iterator[tuple[str, str]]:
    for each in direct:
        yield str(address), str(each.address)
    for node, identity in ((str(each.address), each.id) for each in (*direct, *([live] if live else []))):
        for kind, known in (("pipeline", graph.pipelines), ("sync", graph.syncs)):
            for use in (known or {}).get(identity, ()):
                yield node, f"{kind}/{use.label}"
                for run in (graph.runs or {}).get(use.id, ()) if kind == "pipeline" else ():
                    yield (
                        f"{kind}/{use.label}",
                        f"schedule/{f'{run.label} ({run.id})' if run.label else run.id}",
                    )


def _names(known: Uses, ids: list[str]) -> tuple[str, ...] | None:
    found = gathered(known, ids)
    return None if found is None else tuple(sorted({each.label for each in found}))
