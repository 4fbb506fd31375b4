"""The usage report: the users, the age, the expiries and the readers of each credential.

The API has no request for it. Every connection is read with its config, and the config is searched for
IDs, because the place of a reference depends on the connector.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct

from keyturn.files.discovery import find_manifests, is_within
from keyturn.manifests.data_key import collect_key_traces
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
from keyturn.operations.plan.impact import has_credential_links, try_read_details
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
from keyturn.policy.rules.copied_files import pair_equal_data_keys
from keyturn.policy.rules.secret_rules import find_secret_expiries
from keyturn.policy.runner import run_rules
from keyturn.sops.recipients import FileRecipients, recipients_by_file
from keyturn.state.reader import load_state


class _ReportContext(Struct, frozen=True, kw_only=True):
    """The data of one report.

    ``complete`` is whether all connections and their credentials are visible. ``users`` holds the
    connections by credential ID and, if the API does not return the link, by credential address.
    """

    run: RunContext
    loaded: LoadedManifests
    entries: Mapping[Address, StateEntry]
    live: tuple[LiveObject, ...]
    complete: bool
    graph: UsageGraph
    users: Mapping[str | Address, tuple[LiveObject, ...]]


def build_usage_report(run: RunContext, *, decrypt: bool) -> UsageReport:
    """Return the usage report of a workspace; with ``decrypt``, it has the expiries of secrets, too.

    Raises the errors of the manifests, the state and the lists of objects. Other data that cannot be
    read is a note in the report.
    """
    loaded = SecretLoader.for_run(run).load_manifests()
    check_organization(run.service, run.workspace.organization)
    entries = load_state(run.store, run.workspace.name, run.workspace.organization).state.entries
    notes: list[str] = []
    notes += _list_shared_data_keys(run)
    context = _observe_workspace(run, loaded, entries, notes)
    secrets = _decrypt_secrets(run, loaded, notes) if decrypt else {}
    today = run.clock.now().date()
    usages = _build_usages(context, secrets, today)
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
    connections = _read_connections(run, listed)
    linked = has_credential_links({each.id: each for each in connections})
    incomplete = tuple(_explain_incomplete(listed, connections, entries, linked=linked))
    live = (*(each for each in listed if each.address.kind == "credential"), *connections)
    graph = build_usage_graph(run.service, frozenset(each.id for each in live), linked=linked)
    unusable = tuple(map(str, run.service.unusable_rows))
    notes += (*incomplete, *unusable, *_explain_unknown_users(graph))
    return _ReportContext(
        run=run,
        loaded=loaded,
        entries=entries,
        live=live,
        complete=not incomplete and not unusable,
        graph=graph,
        users=_index_users(loaded, live, graph),
    )


def _read_connections(run: RunContext, listed: Iterable[LiveObject]) -> list[LiveObject]:
    connections = [each for each in listed if each.address.kind == "connection"]
    details = map_parallel(lambda each: try_read_details(run.service, each), connections, MAX_PARALLEL_READS)
    return [each for each in details if each]


def _explain_incomplete(
    listed: Iterable[LiveObject],
    connections: list[LiveObject],
    entries: Mapping[Address, StateEntry],
    *,
    linked: bool,
) -> Iterator[str]:
    unread = sum(each.address.kind == "connection" for each in listed) - len(connections)
    if unread:
        yield f"{pluralize_or_none(unread, 'connection')} cannot be read by this key"
    managed = {entry.id for entry in entries.values() if not entry.retired_at}
    hidden = managed - {each.id for each in listed}
    if hidden:
        yield f"{pluralize_or_none(len(hidden), 'object')} of the state not shown to this key, or deleted"
    if not linked:
        yield "the API does not return the credential of a connection: taken from the manifests"


def _explain_unknown_users(graph: UsageGraph) -> Iterator[str]:
    indexes = (("pipelines", graph.pipelines), ("syncs", graph.syncs), ("schedules", graph.schedules))
    for kind, index in indexes:
        if index is None:
            yield f"{kind} are unknown: this key may not read them, or there are too many"


def _decrypt_secrets(
    run: RunContext, loaded: LoadedManifests, notes: list[str]
) -> Mapping[Address, Mapping[FieldPath, Secret]]:
    encrypted = tuple(each for each in loaded.desired if each.secrets)
    try:
        decrypted = decrypt_manifests(encrypted, run.project, run.environment) if encrypted else ()
    except DiagnosticError:
        notes.append("secrets could not be decrypted: their expiry dates are unknown")
        return {}
    return {
        each.address: {path: value for path, value in each.secrets.items() if isinstance(value, Secret)}
        for each in decrypted
    }


def _build_usages(
    context: _ReportContext, secrets: Mapping[Address, Mapping[FieldPath, Secret]], today: date
) -> Iterable[CredentialUsage]:
    run, loaded = context.run, context.loaded
    desired = {each.address: each for each in loaded.desired if each.address.kind == "credential"}
    views = {each.address: each for each in loaded.resource_views}
    unmatched = {each.id: each for each in context.live if each.address.kind == "credential"}
    recipients = recipients_by_file(find_manifests(run.root, run.workspace.manifests).sources)
    long_lived = _find_long_lived(run, loaded, today)
    for address, each in desired.items():
        entry = context.entries.get(address)
        live = unmatched.pop(entry.id, None) if entry else None
        yield CredentialUsage(
            address=address,
            type=each.type,
            file=each.origin.file,
            status=live.status if live else "",
            owner=each.labels.get("owner", ""),
            users=_find_credential_users(address, live, context),
            rotated=date.fromisoformat(entry.rotated_at[:10]) if entry and entry.rotated_at else None,
            max_age_days=each.lifecycle.max_age_days or run.project.policy.max_age_days,
            expiries=_list_expiries(views[address], secrets.get(address, {})),
            long_lived_reason=long_lived.get(address, ""),
            recipients=_list_recipients(each, recipients),
        )
    for live in unmatched.values():
        yield CredentialUsage(
            address=live.address,
            type=live.type,
            status=live.status,
            users=_find_credential_users(live.address, live, context),
        )


def _list_shared_data_keys(run: RunContext) -> Iterator[str]:
    folders = dict.fromkeys(folder for each in run.project.workspaces.values() for folder in each.manifests)
    traces = collect_key_traces(find_manifests(run.root, folders).sources)
    for file, owner in pair_equal_data_keys(traces).items():
        if is_within(file, *run.workspace.manifests) or is_within(owner, *run.workspace.manifests):
            yield f"{file} and {owner} have the same data key (KT377)"


def _list_recipients(desired: DesiredResource, recipients: Mapping[str, FileRecipients]) -> tuple[str, ...]:
    found = recipients.get(desired.origin.file)
    return tuple(sorted(found.names)) if found else ()


def _list_expiries(view: ResourceView, secrets: Mapping[FieldPath, Secret]) -> tuple[Expiry, ...]:
    return tuple(Expiry(each.description, each.day) for each in find_secret_expiries(view, secrets))


def _find_long_lived(run: RunContext, loaded: LoadedManifests, today: date) -> Mapping[Address, str]:
    diagnostics = run_rules(loaded.resource_views, run.project.policy, RuleContext(today=today))
    reasons = {
        each.address: each.message
        for each in diagnostics
        if each.cause is Cause.LONG_LIVED_KEY and each.address
    }
    desired = {each.address: each for each in loaded.desired}
    for each in diagnostics:
        # The diagnostic is about the connection, the avoidable password is in its credential.
        if each.cause is Cause.STATIC_DATABASE_LOGIN and each.address:
            credential = desired[each.address].fields.get(("credential",))
            if isinstance(credential, Address):
                reasons.setdefault(credential, each.message)
    return reasons


def _index_users(
    loaded: LoadedManifests, live: Iterable[LiveObject], graph: UsageGraph
) -> Mapping[str | Address, tuple[LiveObject, ...]]:
    index: dict[str | Address, list[LiveObject]] = {}
    # If the API does not return the links, those of the manifests are used.
    manifests = {} if graph.linked else {each.address: each for each in loaded.desired}
    for connection in live:
        if connection.address.kind != "connection":
            continue
        for text in set(iterate_strings(list(connection.fields.values()))):
            index.setdefault(text, []).append(connection)
        desired = manifests.get(connection.address)
        leaves = desired.fields.values() if desired else ()
        for address in {leaf for leaf in leaves if isinstance(leaf, Address)}:
            index.setdefault(address, []).append(connection)
    return {key: tuple(users) for key, users in index.items()}


def _find_credential_users(
    address: Address, live: LiveObject | None, context: _ReportContext
) -> CredentialUsers:
    graph, complete = context.graph, context.complete
    shown = context.users.get(live.id, ()) if live else ()
    direct = [*shown, *(each for each in context.users.get(address, ()) if each not in shown)]
    ids = [each.id for each in direct] + ([live.id] if live else [])
    pipelines, syncs = _name_users(graph.pipelines, ids), _name_users(graph.syncs, ids)
    schedules = users_of(graph.schedules, ids)
    # A hidden connection may have hidden users: without all connections, none found means unknown.
    return CredentialUsers(
        connections=tuple(sorted(each.address.name for each in direct)),
        complete=complete,
        pipelines=pipelines if complete or pipelines else None,
        syncs=syncs if complete or syncs else None,
        schedules=len(schedules) if schedules is not None and (complete or schedules) else None,
        next_run=min((each.label for each in schedules or () if each.label), default=""),
        links=tuple(sorted(set(_list_links(address, live, direct, graph)))),
    )


def _list_links(
    address: Address, live: LiveObject | None, direct: Iterable[LiveObject], graph: UsageGraph
) -> Iterator[tuple[str, str]]:
    for connection in direct:
        yield str(address), str(connection.address)
    schedules = graph.schedules_by_pipeline or {}
    for each in (*direct, *([live] if live else [])):
        for pipeline in (graph.pipelines or {}).get(each.id, ()):
            yield str(each.address), f"pipeline/{pipeline.label}"
            for schedule in schedules.get(pipeline.id, ()):
                name = f"{schedule.label} ({schedule.id})" if schedule.label else schedule.id
                yield f"pipeline/{pipeline.label}", f"schedule/{name}"
        for sync in (graph.syncs or {}).get(each.id, ()):
            yield str(each.address), f"sync/{sync.label}"


def _name_users(index: UsageIndex, ids: list[str]) -> tuple[str, ...] | None:
    users = users_of(index, ids)
    return None if users is None else tuple(sorted({each.label for each in users}))
