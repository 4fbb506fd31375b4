"""Live to git: what was made in the UI becomes manifests, and the state takes it in."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.files.discovery import load_file
from keyturn.kinds import KINDS
from keyturn.manifests.draft import draft_manifest
from keyturn.manifests.loader import load_manifests
from keyturn.manifests.manifest import build_manifest
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, pluralize_or_none
from keyturn.model.fields import format_path, nest_fields
from keyturn.model.resource import EMPTY, LiveObject, StateEntry
from keyturn.model.results import ImportResult
from keyturn.operations.state_entries import select_observed_fields
from keyturn.operations.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.operations.init_templates import SCHEMA_FILES, render_modeline
from keyturn.operations.observe import MAX_PARALLEL_READS, check_organization, list_live_objects
from keyturn.operations.parallel import map_parallel
from keyturn.operations.plan.impact import has_credential_links
from keyturn.operations.run_context import RunContext
from keyturn.planning.scope import matches_target
from keyturn.policy.settings import covers_file, environment_by_prefix
from keyturn.schema.coerce import coerce_types
from keyturn.state.events import OutcomeRecorded
from keyturn.yamldoc.reader import parse_document

_NAME_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?", re.ASCII)


class ImportOptions(Struct, frozen=True):
    """What is imported and where to: names or patterns (none: everything).

    ``folders`` gives the folder of names that begin with a prefix, the longest prefix first in
    line; ``credentials`` the credential of a connection by its name, for deployments that do not
    say which one it uses.
    """

    names: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    credentials: Mapping[str, str] = field(default_factory=lambda: EMPTY)


def import_resources(run: RunContext, options: ImportOptions) -> tuple[ImportResult, ...]:
    """Write a manifest for each live object that git does not have, and adopt it.

    Never overwrites a file. Raises Faulty KT073 for a folder that no plan would look into, and
    what the lock, the state and the service raise.
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
        message=f"{folder} is no folder of workspace {run.workspace.name}",
        origin=SourceLocation("--map"),
        hint=f"choose one below {', '.join(run.workspace.manifests)}, or add it under `manifests:`",
    )


def _import_listed(run: RunContext, held: ExclusiveRun, options: ImportOptions) -> tuple[ImportResult, ...]:
    loaded_state = held.read_state()
    listed = [each for each in list_live_objects(run.service) if each.status != "deleted"]
    ours = {known.id for known in loaded_state.state.entries.values() if not known.retired_at}
    wanted = [each for each in listed if each.id not in ours and _is_selected(each.address, options.names)]
    whole = map_parallel(lambda each: _read_details(each, run), wanted, MAX_PARALLEL_READS)
    linked = has_credential_links({each.id: each for each in listed})
    scene = _ImportContext(
        run, options, {each.id: each.address for each in listed}, _find_manifest_files(run), linked
    )
    journal = held.begin_journal(loaded_state)
    results = []
    for live in sorted(whole, key=lambda each: each.address):
        trouble = _explain_skip(live, listed, scene)
        results.append(ImportResult(live.address, "", trouble) if trouble else _write_manifest(live, scene))
        if results[-1].file:
            entry = _build_imported_entry(live, results[-1].file, run)
            journal.enqueue(
                OutcomeRecorded(
                    intent="",
                    address=live.address,
                    action="import",
                    outcome_status=OutcomeStatus.DONE,
                    entry=entry,
                )
            )
    written = sum(bool(each.file) for each in results)
    held.end_journal({"done": written, "skipped": len(results) - written})
    return tuple(results)


class _ImportContext(Struct, frozen=True):
    """What one import works with: ``addresses`` by id, ``described`` the file of each address in git.

    ``linked`` tells whether this deployment says which credential a connection uses.
    """

    run: RunContext
    options: ImportOptions
    addresses: Mapping[str, Address]
    manifest_files: Mapping[Address, str]
    linked: bool


def _find_manifest_files(run: RunContext) -> Mapping[Address, str]:
    # Of every workspace: two environments of one repository may share an organization.
    found: dict[Address, str] = {}
    for workspace in run.project.workspaces.values():
        for each in load_manifests(run.project, workspace).resource_views:
            if each.address not in found or workspace.name == run.workspace.name:
                found[each.address] = each.file
    return found


def _is_selected(address: Address, names: tuple[str, ...]) -> bool:
    return not names or any(matches_target(address, name) for name in names)


def _read_details(live: LiveObject, run: RunContext) -> LiveObject:
    kind = KINDS[live.address.kind]
    return live if live.has_config else kind.decode(run.service.read_record(kind.collection, live.id))


def _explain_skip(live: LiveObject, listed: Iterable[LiveObject], scene: _ImportContext) -> str:
    if not _NAME_PATTERN.fullmatch(live.address.name):
        return "its name cannot be the name of a file; rename it in Planasonix first"
    twins = [each.id for each in listed if each.address == live.address]
    if len(twins) > 1:
        return f"its name stands for {pluralize_or_none(len(twins), 'object')}: {', '.join(sorted(twins))}"
    if live.address in scene.manifest_files:
        adopt = f"`keyturn apply --adopt {live.address.name}` takes the object over"
        return f"{scene.manifest_files[live.address]} describes one of this name already: {adopt}"
    if (scene.run.root / _choose_file(live, scene)).exists():
        return f"{_choose_file(live, scene)} is there already, for another object"
    return ""


def _choose_file(live: LiveObject, scene: _ImportContext) -> str:
    return f"{_choose_folder(live.address.name, scene)}/{live.address.kind}s/{live.address.name}.yaml"


def _choose_folder(name: str, scene: _ImportContext) -> str:
    prefixes = sorted(scene.options.folders, key=len, reverse=True)
    mapped = next((each for each in prefixes if name.startswith(each)), None)
    if mapped is not None:
        return scene.options.folders[mapped].rstrip("/")
    folders = scene.run.workspace.manifests
    environment = environment_by_prefix(name, scene.run.project.policy)
    return next((each for each in folders if each.rpartition("/")[2] == environment), folders[0])


def _write_manifest(live: LiveObject, scene: _ImportContext) -> ImportResult:
    run = scene.run
    # As it is, or with text read as the schema means it: some deployments answer everything as text.
    plain = replace(live, fields=coerce_types(live.address.kind, live.type, live.fields))
    drafted = draft_manifest(live, _build_tree(live, scene)) or draft_manifest(
        plain, _build_tree(plain, scene)
    )
    if drafted is None:
        message = f"its type {live.type} with these fields does not fit the schema; write it by hand"
        return ImportResult(live.address, "", message)
    file = _choose_file(live, scene)
    # Where `init` put the schemas, each manifest leads an editor to its own.
    schemas = (run.root / SCHEMA_FILES[live.address.kind]).is_file()
    (run.root / file).parent.mkdir(parents=True, exist_ok=True)
    with (run.root / file).open("x", encoding="utf-8") as target:
        target.write((render_modeline(live.address.kind, file) if schemas else "") + drafted.text)
    notes = [f"{field} is not ours to manage and was left out" for field in drafted.omitted_fields]
    if drafted.tree.get("keep"):
        kept = ", ".join(drafted.tree["keep"])
        notes.append(f"{kept} keeps its live value until `keyturn secret set` writes it into git")
    if live.address.kind == "connection" and not scene.linked and "credential" not in drafted.tree:
        notes.append("which credential it uses is not shown here: write it, or use --credential")
    for hidden in live.secret_like_paths:
        if format_path(hidden[1:]) not in drafted.tree.get("keep", ()):
            shown = "the service shows a mask or what looks like a secret there"
            notes.append(f"{format_path(hidden)}: {shown}; it was left out")
    return ImportResult(live.address, file, notes=tuple(notes))


def _build_tree(live: LiveObject, scene: _ImportContext) -> dict[str, Any]:
    run, addresses = scene.run, scene.addresses
    fields = {
        path: _to_reference(leaf, addresses) for path, leaf in live.fields.items() if path[0] == "config"
    }
    tree: dict[str, Any] = {
        "kind": live.address.kind,
        "name": live.address.name,
        "type": live.type,
        "labels": _guess_labels(live, run),
    }
    used = addresses.get(str(live.fields.get(("credential",), "")))
    told = scene.options.credentials.get(live.address.name) if live.address.kind == "connection" else None
    if used or told:
        tree["credential"] = used.name if used else told
    if ("category",) in live.fields:
        tree["category"] = live.fields[("category",)]
    return tree | {"config": nest_fields(fields).get("config", {})}


def _to_reference(leaf: object, addresses: Mapping[str, Address]) -> object:
    found = addresses.get(leaf) if isinstance(leaf, str) else None
    return {"ref": str(found)} if found else leaf


def _guess_labels(live: LiveObject, run: RunContext) -> dict[str, str]:
    environment = environment_by_prefix(live.address.name, run.project.policy) or run.workspace.name
    known = run.project.policy.environments
    prefix = known[environment].prefix if environment in known else ""
    system = live.address.name.removeprefix(prefix).partition("-")[0]
    guesses = {"environment": environment, "system": system}
    wanted = run.project.policy.required_labels or tuple(guesses)
    return {label: guesses.get(label, "unassigned") for label in wanted}


def _build_imported_entry(live: LiveObject, file: str, run: RunContext) -> StateEntry:
    source = load_file(run.root, file)
    desired = build_manifest(source, parse_document(source.data, source.relative)).desired
    return StateEntry(
        address=live.address,
        id=live.id,
        type=live.type,
        digest=source.digest,
        applied=desired.fields,
        observed=select_observed_fields(desired, live, None),
        fingerprints=EMPTY,
        updated_at=live.updated_at,
        commit=run.actor.commit,
    )
