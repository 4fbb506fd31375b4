"""Import: write manifests for live objects without one, and add state entries for them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.files.discovery import load_file
from keyturn.manifests.draft import ManifestDraft, draft_manifest
from keyturn.manifests.loader import load_manifests
from keyturn.manifests.manifest import build_manifest
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, pluralize
from keyturn.model.fields import format_path, nest_fields
from keyturn.model.resource import EMPTY, LiveObject, StateEntry
from keyturn.model.results import ImportResult
from keyturn.operations.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.operations.observe import (
    MAX_PARALLEL_READS,
    check_organization,
    list_live_objects,
    read_details,
)
from keyturn.operations.parallel import map_parallel
from keyturn.operations.plan.impact import has_credential_links
from keyturn.operations.run_context import RunContext
from keyturn.operations.setup.init_templates import SCHEMA_FILES, render_modeline
from keyturn.operations.state_entries import select_observed_fields
from keyturn.planning.scope import matches_target
from keyturn.policy.settings import covers_file, find_environment_by_prefix
from keyturn.schema.coerce import coerce_types
from keyturn.schema.manifest_names import choose_names
from keyturn.state.events import OutcomeRecorded
from keyturn.yamldoc.reader import parse_document
from keyturn.yamldoc.scalars import emit_block


class ImportOptions(Struct, frozen=True, kw_only=True):
    """Options of an import.

    ``names`` are names, addresses or patterns; none means all. ``folders`` holds the folder by name
    prefix; the longest prefix wins. ``credentials`` holds the credential by connection name, for
    deployments whose API does not return it. With ``rename``, an object whose name no manifest can have
    is imported under a similar one.
    """

    names: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    credentials: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    rename: bool = False


def import_resources(run: RunContext, options: ImportOptions) -> tuple[ImportResult, ...]:
    """Write a manifest and a state entry for each selected live object that has none.

    Existing files are never overwritten. Raises DiagnosticError KT073 for a folder outside of the
    workspace, LockHeld, and the errors of the state and of the service.
    """
    for folder in options.folders.values():
        if not any(covers_file(each, folder) for each in run.workspace.manifests):
            raise DiagnosticError(_unknown_folder_error(folder, run))
    check_organization(run.service, run.workspace.organization)
    with exclusive_run(run, "import") as held:
        return _import_listed(run, held, options)


def _unknown_folder_error(folder: str, run: RunContext) -> Diagnostic:
    return Diagnostic(
        code="KT073",
        severity=Severity.ERROR,
        message=f"{folder} is not in a manifest folder of workspace {run.workspace.name}",
        origin=SourceLocation("--map"),
        hint=f"use a folder in {', '.join(run.workspace.manifests)}, or add it under `manifests:`",
    )


def _import_listed(run: RunContext, held: ExclusiveRun, options: ImportOptions) -> tuple[ImportResult, ...]:
    loaded_state = held.read_state()
    listed = [each for each in list_live_objects(run.service) if each.status != "deleted"]
    entries = {each.id: each for each in loaded_state.state.entries.values() if not each.retired_at}
    manifest_files = _find_manifest_files(run)
    unmanaged = [each for each in listed if each.id not in entries]
    chosen = choose_names(unmanaged, [*manifest_files, *(each.address for each in entries.values())])
    selected = [
        each
        for each in unmanaged
        if _is_selected(each.address, options.names) or _is_selected(chosen[each.id], options.names)
    ]
    renamed = {each.id: each.address for each in unmanaged if chosen[each.id] != each.address}
    detailed = map_parallel(lambda each: read_details(run.service, each), selected, MAX_PARALLEL_READS)
    context = _ImportContext(
        run=run,
        options=options,
        addresses={**chosen, **{each.id: each.address for each in entries.values()}},
        manifest_files=manifest_files,
        renamed=renamed,
        linked=has_credential_links({each.id: each for each in listed}),
    )
    journal = held.begin_journal(loaded_state)
    results = []
    for live in sorted(detailed, key=lambda each: each.address):
        reason = _explain_skip(live, listed, context)
        result = ImportResult(live.address, "", reason) if reason else _try_write_manifest(live, context)
        results.append(result)
        if result.file:
            journal.enqueue(_build_import_event(live, result.file, run))
    written = sum(bool(each.file) for each in results)
    held.end_journal({"done": written, "skipped": len(results) - written})
    return tuple(results)


class _ImportContext(Struct, frozen=True, kw_only=True):
    """The data of one import.

    ``addresses`` has the address of each manifest by object ID, ``manifest_files`` the file of each
    address with a manifest. ``renamed`` has the live address of each object whose manifest has another
    name, by ID. ``linked`` is whether the API returns the credential of a connection.
    """

    run: RunContext
    options: ImportOptions
    addresses: Mapping[str, Address]
    manifest_files: Mapping[Address, str]
    renamed: Mapping[str, Address]
    linked: bool


def _find_manifest_files(run: RunContext) -> Mapping[Address, str]:
    # Manifests of all workspaces: two environments of a repository may share an organization.
    files: dict[Address, str] = {}
    for workspace in run.project.workspaces.values():
        for each in load_manifests(run.project, workspace).resource_views:
            if each.address not in files or workspace.name == run.workspace.name:
                files[each.address] = each.file
    return files


def _is_selected(address: Address, names: tuple[str, ...]) -> bool:
    return not names or any(matches_target(address, name) for name in names)


def _explain_skip(live: LiveObject, listed: Iterable[LiveObject], context: _ImportContext) -> str:
    if not context.options.rename and (reason := _explain_name(live, context)):
        return reason
    ids = sorted(each.id for each in listed if each.address == live.address)
    if len(ids) > 1:
        return f"{pluralize(len(ids), 'live object')} share this name: {', '.join(ids)}"
    if context.addresses[live.id] in context.manifest_files:
        adopt = f"to manage this object with it, run `keyturn apply --adopt {live.address.name}`"
        return f"{context.manifest_files[live.address]} already has a manifest of this name; {adopt}"
    if (context.run.root / _choose_file(live, context)).exists():
        return f"{_choose_file(live, context)} already exists, for another object"
    return ""


def _explain_name(live: LiveObject, context: _ImportContext) -> str:
    if live.id in context.renamed:
        return (
            "a manifest name has lower-case letters, digits, dots, dashes and underscores: rename it in "
            f"Planasonix, or pass --rename to import it as {context.addresses[live.id].name}"
        )
    used = {leaf for leaf in live.fields.values() if isinstance(leaf, str)} & context.renamed.keys()
    if used:
        return f"it uses {context.renamed[min(used)]}, whose name no manifest can have: pass --rename"
    return ""


def _choose_file(live: LiveObject, context: _ImportContext) -> str:
    address = context.addresses[live.id]
    return f"{_choose_folder(address.name, context)}/{address.kind}s/{address.name}.yaml"


def _choose_folder(name: str, context: _ImportContext) -> str:
    prefixes = sorted(context.options.folders, key=len, reverse=True)
    mapped = next((each for each in prefixes if name.startswith(each)), None)
    if mapped is not None:
        return context.options.folders[mapped].rstrip("/")
    folders = context.run.workspace.manifests
    environment = find_environment_by_prefix(name, context.run.project.policy)
    return next((each for each in folders if each.rpartition("/")[2] == environment), folders[0])


def _try_write_manifest(live: LiveObject, context: _ImportContext) -> ImportResult:
    try:
        return _write_manifest(live, context)
    except DiagnosticError as error:
        reason = f"{_find_unwritable_field(live)} cannot be written in YAML: {error.diagnostics[0].message}"
    except OSError as error:
        reason = f"its file cannot be written: {error.strerror}"
    return ImportResult(live.address, "", reason)


def _find_unwritable_field(live: LiveObject) -> str:
    for path, leaf in live.fields.items():
        try:
            parse_document(emit_block({path[-1]: leaf}).encode(), "")
        except (DiagnosticError, TypeError):
            return format_path(path)
    return "a field"


def _write_manifest(live: LiveObject, context: _ImportContext) -> ImportResult:
    run, address = context.run, context.addresses[live.id]
    # Some deployments return every scalar as text: convert it to the types of the schema if needed.
    coerced = replace(live, fields=coerce_types(live.address.kind, live.type, live.fields))
    drafted = draft_manifest(live, _build_tree(live, context)) or draft_manifest(
        coerced, _build_tree(coerced, context)
    )
    if drafted is None:
        message = f"its fields do not match the schema of type {live.type}: write the manifest manually"
        return ImportResult(live.address, "", message)
    file = _choose_file(live, context)
    # The modeline tells editors the schema, if `keyturn init` wrote the schemas.
    has_schema = (run.root / SCHEMA_FILES[live.address.kind]).is_file()
    (run.root / file).parent.mkdir(parents=True, exist_ok=True)
    with (run.root / file).open("x", encoding="utf-8") as target:
        target.write((render_modeline(live.address.kind, file) if has_schema else "") + drafted.text)
    return ImportResult(address, file, notes=tuple(_list_notes(live, drafted, context)))


def _list_notes(live: LiveObject, drafted: ManifestDraft, context: _ImportContext) -> Iterator[str]:
    kept = drafted.tree.get("keep", ())
    if live.id in context.renamed:
        yield f"its name in Planasonix is {live.address.name}; the next apply renames it"
        if kept:
            yield "the rename needs the secret in the manifest, or `put: partial` in keyturn.yaml"
    yield from (f"{field} is not managed by keyturn and was omitted" for field in drafted.omitted_fields)
    if kept:
        yield f"{', '.join(kept)} keeps its live value until `keyturn secret set` writes a value"
    if live.address.kind == "connection" and not context.linked and "credential" not in drafted.tree:
        yield "the API does not return its credential: add it to the manifest, or pass --credential"
    for path in live.secret_like_paths:
        if format_path(path[1:]) not in kept:
            yield f"{format_path(path)}: the service returns a mask or a possible secret; omitted"


def _build_tree(live: LiveObject, context: _ImportContext) -> dict[str, Any]:
    run, addresses = context.run, context.addresses
    fields = {
        path: _to_reference(leaf, addresses) for path, leaf in live.fields.items() if path[0] == "config"
    }
    address = addresses[live.id]
    tree: dict[str, Any] = {
        "kind": address.kind,
        "name": address.name,
        "type": live.type,
        "labels": _guess_labels(address.name, run),
    }
    shown = addresses.get(str(live.fields.get(("credential",), "")))
    stated = context.options.credentials
    given = stated.get(address.name, stated.get(live.address.name)) if address.kind == "connection" else None
    if shown or given:
        tree["credential"] = shown.name if shown else given
    if ("category",) in live.fields:
        tree["category"] = live.fields[("category",)]
    return tree | {"config": nest_fields(fields).get("config", {})}


def _to_reference(leaf: object, addresses: Mapping[str, Address]) -> object:
    address = addresses.get(leaf) if isinstance(leaf, str) else None
    return {"ref": str(address)} if address else leaf


def _guess_labels(name: str, run: RunContext) -> dict[str, str]:
    environment = find_environment_by_prefix(name, run.project.policy) or run.workspace.name
    environments = run.project.policy.environments
    prefix = environments[environment].prefix if environment in environments else ""
    system = name.removeprefix(prefix).partition("-")[0]
    guesses = {"environment": environment, "system": system}
    labels = run.project.policy.required_labels or tuple(guesses)
    return {label: guesses.get(label, "unassigned") for label in labels}


def _build_import_event(live: LiveObject, file: str, run: RunContext) -> OutcomeRecorded:
    entry = _build_imported_entry(live, file, run)
    return OutcomeRecorded(
        intent="",
        address=entry.address,
        action="import",
        outcome_status=OutcomeStatus.DONE,
        entry=entry,
    )


def _build_imported_entry(live: LiveObject, file: str, run: RunContext) -> StateEntry:
    source = load_file(run.root, file)
    desired = build_manifest(source, parse_document(source.data, source.relative)).desired
    return StateEntry(
        address=desired.address,
        id=live.id,
        type=live.type,
        digest=source.digest,
        applied=desired.fields,
        observed=select_observed_fields(desired, live, None),
        fingerprints=EMPTY,
        updated_at=live.updated_at,
        commit=run.actor.commit,
    )
