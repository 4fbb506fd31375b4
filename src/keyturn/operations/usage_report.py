"""The quarterly review: credentials, what uses them, how old they are, what ends, who can decrypt.

The service has no call for it, so it is computed: every connection is read whole, and its settings
are searched for ids, because further references stand wherever a connector puts them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct

from keyturn.client.errors import ServiceError
from keyturn.files.discovery import find_manifests
from keyturn.kinds import KINDS
from keyturn.manifests.loader import LoadedManifests
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.model.address import Address
from keyturn.model.diagnostic import Cause, DiagnosticError, pluralize_or_none
from keyturn.model.fields import FieldPath
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.model.secret import Secret
from keyturn.model.usage import CredentialUsage, CredentialUsers, Expiry, UsageReport
from keyturn.operations.observe import MAX_PARALLEL_READS, check_organization, list_live_objects
from keyturn.operations.parallel import map_parallel
from keyturn.operations.plan.impact import has_credential_links
from keyturn.operations.plan.secret_loader import SecretLoader
from keyturn.operations.plan.usage_graph import (
    UsageGraph,
    UsageIndex,
    build_usage_graph,
    iterate_strings,
    users_of,
)
from keyturn.operations.run_context import RunContext
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import RuleContext
from keyturn.policy.rules.secret_rules import secret_expiries
from keyturn.policy.runner import run_rules
from keyturn.sops.recipients import recipients_by_file
from keyturn.state.reader import load_state


class _ReportContext(Struct, frozen=True, kw_only=True):
    """What was seen: the live objects, which of them were read whole, and what the state knows."""

    run: RunContext
    loaded: LoadedManifests
    entries: Mapping[Address, StateEntry]
    live: tuple[LiveObject, ...]
    complete: bool
    graph: UsageGraph
    users: Mapping[str | Address, tuple[LiveObject, ...]]


def build_usage_report(run: RunContext, *, decrypt: bool) -> UsageReport:
    """Return the review of a workspace; with ``decrypt``, expiries inside secrets are looked at too.

    Raises what loading, the state and the two lists raise; all else that cannot be seen is a note.
    """
    opener = SecretLoader.for_run(run)
    loaded = opener.load_manifests()
    check_organization(run.service, run.workspace.organization)
    entries = load_state(run.store, run.workspace.name, run.workspace.organization).state.entries
    notes: list[str] = []
    scene = _observe_workspace(run, loaded, entries, notes)
    opened = _open_secrets(run, loaded, notes) if decrypt else {}
    today = run.clock.now().date()
    usages = _build_usages(scene, opened, today)
    return UsageReport(
        workspace=run.workspace.name,
        organization=run.workspace.organization,
        today=today,
        notice_days=run.project.policy.expiry_notice_days,
        usages=tuple(sorted(usages, key=lambda each: each.address)),
        notes=tuple(notes),
    )


def _observe_workspace(
    run: RunContext, loaded: LoadedManifests, entries: Mapping[Address, StateEntry], notes: list[str]
) -> _ReportContext:
    listed = [each for each in list_live_objects(run.service) if each.status != "deleted"]
    connections = [each for each in listed if each.address.kind == "connection"]
    whole = [
        each
        for each in map_parallel(lambda each: _read_details(each, run), connections, MAX_PARALLEL_READS)
        if each
    ]
    complete = True
    if len(whole) < len(connections):
        complete = False
        notes.append(
            f"{pluralize_or_none(len(connections) - len(whole), 'connection')} cannot be read by this key"
        )
    hidden = {known.id for known in entries.values() if not known.retired_at} - {each.id for each in listed}
    if hidden:
        complete = False
        notes.append(
            f"{pluralize_or_none(len(hidden), 'object')} of the state not shown to this key, or gone"
        )
    linked = has_credential_links({each.id: each for each in whole})
    if not linked:
        complete = False
        notes.append("this deployment does not say which credential a connection uses: git's word is taken")
    live = (*(each for each in listed if each.address.kind == "credential"), *whole)
    graph = build_usage_graph(run.service, frozenset(each.id for each in live), linked)
    for seen, word in (
        (graph.pipelines, "pipelines"),
        (graph.syncs, "syncs"),
        (graph.schedules, "schedules"),
    ):
        if seen is None:
            notes.append(f"{word} are unknown: this key may not read them, or they are too many")
    return _ReportContext(
        run=run,
        loaded=loaded,
        entries=entries,
        live=live,
        complete=complete,
        graph=graph,
        users=_index_users(loaded, live, graph),
    )


def _read_details(live: LiveObject, run: RunContext) -> LiveObject | None:
    if live.has_config:
        return live
    kind = KINDS[live.address.kind]
    try:
        return kind.decode(run.service.read_record(kind.collection, live.id))
    except ServiceError:
        return None


def _open_secrets(
    run: RunContext, loaded: LoadedManifests, notes: list[str]
) -> Mapping[Address, Mapping[FieldPath, Secret]]:
    holding = tuple(each for each in loaded.desired if each.secrets)
    try:
        opened = decrypt_manifests(holding, run.project, run.environment) if holding else ()
    except DiagnosticError:
        notes.append("secrets could not be decrypted here: what ends inside them is unknown")
        return {}
    return {
        each.address: {path: value for path, value in each.secrets.items() if isinstance(value, Secret)}
        for each in opened
    }


def _build_usages(
    scene: _ReportContext, opened: Mapping[Address, Mapping[FieldPath, Secret]], today: date
) -> Iterable[CredentialUsage]:
    run, loaded = scene.run, scene.loaded
    desired = {each.address: each for each in loaded.desired if each.address.kind == "credential"}
    subjects = {each.address: each for each in loaded.resource_views}
    live = {each.id: each for each in scene.live if each.address.kind == "credential"}
    may_read = recipients_by_file(find_manifests(run.root, run.workspace.manifests).sources)
    lasting = _find_long_lived(run, loaded, today)
    named: dict[Address, str] = {address: known.id for address, known in scene.entries.items()}
    for address, wanted in desired.items():
        now = live.pop(named.get(address, ""), None)
        known = scene.entries.get(address)
        yield CredentialUsage(
            address=address,
            type=wanted.type,
            file=wanted.origin.file,
            status=now.status if now else "",
            owner=wanted.labels.get("owner", ""),
            users=_find_credential_users(address, now, scene),
            rotated=date.fromisoformat(known.rotated_at[:10]) if known and known.rotated_at else None,
            max_age_days=wanted.lifecycle.max_age_days or run.project.policy.max_age_days,
            expiries=_list_expiries(subjects[address], opened.get(address, {})),
            long_lived_reason=lasting.get(address, ""),
            recipients=_list_readers(wanted, may_read),
        )
    for each in live.values():
        yield CredentialUsage(
            address=each.address,
            type=each.type,
            status=each.status,
            users=_find_credential_users(each.address, each, scene),
        )


def _list_readers(desired: DesiredResource, may_read: Mapping[str, object]) -> tuple[str, ...]:
    found = may_read.get(desired.origin.file)
    return tuple(sorted(getattr(found, "names", ())))


def _list_expiries(subject: ResourceView, secrets: Mapping[FieldPath, Secret]) -> tuple[Expiry, ...]:
    return tuple(Expiry(each.description, each.day) for each in secret_expiries(subject, secrets))


def _find_long_lived(run: RunContext, loaded: LoadedManifests, today: date) -> Mapping[Address, str]:
    findings = run_rules(loaded.resource_views, run.project.policy, RuleContext(today=today))
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


def _index_users(
    loaded: LoadedManifests, live: Iterable[LiveObject], graph: UsageGraph
) -> Mapping[str | Address, tuple[LiveObject, ...]]:
    # By a credential's id; where the deployment shows no link, by its address too, on git's word.
    found: dict[str | Address, list[LiveObject]] = {}
    stated = {each.address: each for each in loaded.desired} if not graph.linked else {}
    for each in live:
        if each.address.kind != "connection":
            continue
        for text in set(iterate_strings(list(each.fields.values()))):
            found.setdefault(text, []).append(each)
        wanted = stated.get(each.address)
        leaves = wanted.fields.values() if wanted else ()
        for used in {leaf for leaf in leaves if isinstance(leaf, Address)}:
            found.setdefault(used, []).append(each)
    return {key: tuple(users) for key, users in found.items()}


def _find_credential_users(
    address: Address, live: LiveObject | None, scene: _ReportContext
) -> CredentialUsers:
    graph = scene.graph
    shown = scene.users.get(live.id, ()) if live else ()
    direct = [*shown, *(each for each in scene.users.get(address, ()) if each not in shown)]
    ids = [each.id for each in direct] + ([live.id] if live else [])
    runs = users_of(graph.schedules, ids)
    # Where a connection may be hidden, so may be whatever runs on it: none is then no answer.
    sure = scene.complete
    pipelines, syncs = _name_users(graph.pipelines, ids), _name_users(graph.syncs, ids)
    return CredentialUsers(
        connections=tuple(sorted(each.address.name for each in direct)),
        complete=scene.complete,
        pipelines=pipelines if sure or pipelines else None,
        syncs=syncs if sure or syncs else None,
        schedules=len(runs) if runs is not None and (sure or runs) else None,
        next_run=min((each.label for each in runs or () if each.label), default=""),
        links=tuple(sorted(set(_list_links(address, live, direct, graph)))),
    )


def _list_links(
    address: Address, live: LiveObject | None, direct: Iterable[LiveObject], graph: UsageGraph
) -> Iterator[tuple[str, str]]:
    for each in direct:
        yield str(address), str(each.address)
    for node, identity in ((str(each.address), each.id) for each in (*direct, *([live] if live else []))):
        for kind, known in (("pipeline", graph.pipelines), ("sync", graph.syncs)):
            for use in (known or {}).get(identity, ()):
                yield node, f"{kind}/{use.label}"
                for run in (graph.schedules_by_pipeline or {}).get(use.id, ()) if kind == "pipeline" else ():
                    yield (
                        f"{kind}/{use.label}",
                        f"schedule/{f'{run.label} ({run.id})' if run.label else run.id}",
                    )


def _name_users(known: UsageIndex, ids: list[str]) -> tuple[str, ...] | None:
    found = users_of(known, ids)
    return None if found is None else tuple(sorted({each.label for each in found}))
