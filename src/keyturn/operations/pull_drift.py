"""Drift to git: what somebody edited in the UI is written back into the manifests, plain fields only."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import load_file
from keyturn.manifests.seal import compute_expected_seal, seal_subject
from keyturn.manifests.writer import can_remove
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import MISSING, FieldChange
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import FieldPath, Leaf, flatten_tree
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.model.results import PullResult, SkippedField
from keyturn.model.secret import Secret
from keyturn.operations.init_repository import create_manifest_writer
from keyturn.operations.observe import check_organization, list_live_objects, read_live_objects
from keyturn.operations.plan.recovery import list_uncertain_retirements, resolve_open_intents
from keyturn.operations.plan.secret_loader import SecretLoader
from keyturn.operations.run_context import RunContext
from keyturn.planning.diff import compute_field_changes
from keyturn.planning.drift import select_pullable
from keyturn.planning.scope import matches_target
from keyturn.schema.definitions import SEAL_FIELD, select_sealed_paths
from keyturn.schema.validate import is_valid_manifest
from keyturn.state.reader import load_state
from keyturn.yamldoc.reader import Document, parse_document

CONFIG_FIELD_DEPTH = 2
"""Keys of a path right below ``config``: no more than such a field goes as a whole."""


class PullOptions(Struct, frozen=True):
    """What is pulled: names or patterns (none: everything), consents by credential, writing or not."""

    names: tuple[str, ...] = ()
    approved: frozenset[str] = frozenset()
    write: bool = True


def pull_drift(run: RunContext, options: PullOptions) -> tuple[PullResult, ...]:
    """Write live values that drifted back into the manifests; return what was done, by address.

    Comments, order and ciphertext stay as they are. A file that cannot be written as meant is left
    whole, and says why. Raises Faulty KT071 for a name that means nothing, and what loading,
    state and service raise.
    """
    loaded = SecretLoader.for_run(run).load_manifests()
    chosen = _select_manifests(loaded.desired, options.names)
    check_organization(run.service, run.workspace.organization)
    state = load_state(run.store, run.workspace.name, run.workspace.organization).state
    listed = list_live_objects(run.service, list_uncertain_retirements(state))
    entries = resolve_open_intents(state, listed).entries
    live = read_live_objects(run.service, listed, chosen, entries)
    names = {known.id: address for address, known in entries.items()}
    found = []
    for desired in sorted(chosen, key=lambda each: each.address):
        known = entries.get(desired.address)
        now = live.get(known.id) if known and not known.retired_at else None
        if known and now and now.status != "deleted":
            pulled = _pull_manifest(run, options, (desired, known, now), names)
            found.append(pulled)
    return tuple(each for each in found if each.written or each.skipped)


def _select_manifests(desired: Iterable[DesiredResource], names: tuple[str, ...]) -> list[DesiredResource]:
    everything = list(desired)
    for name in names:
        if not any(matches_target(each.address, name) for each in everything):
            raise DiagnosticError(
                Diagnostic(
                    code="KT071",
                    severity=Severity.ERROR,
                    message=f"there is no manifest {name}",
                    origin=SourceLocation("manifests"),
                    hint="write credential/NAME, connection/NAME, a bare name or a pattern such as 'prod-*'",
                )
            )
    return [
        each for each in everything if not names or any(matches_target(each.address, name) for name in names)
    ]


def _pull_manifest(
    run: RunContext,
    options: PullOptions,
    sides: tuple[DesiredResource, StateEntry, LiveObject],
    names: Mapping[str, Address],
) -> PullResult:
    desired, known, live = sides
    fields = compute_field_changes(desired, known, live, names)
    sealed = _find_sealed_paths(desired, fields)
    choice = select_pullable(desired, live, fields, sealed, options.approved)
    left = list(choice.skipped)
    if live.address != desired.address:
        left.append(
            SkippedField(("name",), f"it is called {live.address.name} live: rename the manifest, or apply")
        )
    pulled = PullResult(address=desired.address, file=desired.origin.file, skipped=tuple(left))
    if not choice.to_write:
        return pulled
    source = load_file(run.root, desired.origin.file)
    document = parse_document(source.data, source.relative)
    take, stuck = _separate_removable(document, choice.to_write, desired.address.kind)
    left += stuck
    values: dict[FieldPath, Any] = {
        _to_manifest_path(field): _to_manifest_value(field) for field in take if field.live != MISSING
    }
    gone = _find_removed_paths(document, take)
    if not is_valid_manifest(_edit_tree(document.tree, values, gone), desired.address.kind):
        whole = tuple(SkippedField(field.path, "the schema has no room for the live value") for field in take)
        return replace(pulled, skipped=(*left, *whole))
    seal = _compute_new_seal(document, values, gone) if any(field.path in sealed for field in take) else {}
    try:
        if options.write and take:
            create_manifest_writer(run.project, run.environment).update_file(
                source.relative, {**values, **seal}, gone
            )
    except DiagnosticError as faulty:
        why = faulty.diagnostics[0].message
        unwritten = tuple(SkippedField(field.path, f"the file could not be written: {why}") for field in take)
        return replace(pulled, skipped=(*left, *unwritten))
    return replace(pulled, written=take, skipped=tuple(left), resealed=bool(seal))


def _separate_removable(
    document: Document, take: tuple[FieldChange, ...], kind: str
) -> tuple[tuple[FieldChange, ...], tuple[SkippedField, ...]]:
    kept, left = [], []
    for field in take:
        why = _explain_unremovable(document, field.path, kind) if field.live == MISSING else ""
        if why:
            left.append(SkippedField(field.path, why))
        else:
            kept.append(field)
    gone = _find_removed_paths(document, kept)
    if gone and not _edit_tree(document.tree, {}, gone).get("config"):
        whole = "it is gone live, and nothing would be left of `config:`: mend the file by hand, or apply"
        left += [SkippedField(field.path, whole) for field in kept if field.live == MISSING]
        kept = [field for field in kept if field.live != MISSING]
    return tuple(kept), tuple(left)


def _explain_unremovable(document: Document, path: FieldPath, kind: str) -> str:
    if not is_valid_manifest(_edit_tree(document.tree, {}, (path,)), kind):
        return "it is gone live, and the manifest cannot be without it: apply to bring it back"
    if path not in document.spans or not can_remove(document, path):
        line = document.find_location(path).line
        return f"it is gone live: take it out by hand, in line {line}, or apply to bring it back"
    return ""


def _find_removed_paths(document: Document, take: Iterable[FieldChange]) -> tuple[FieldPath, ...]:
    # A mapping of which every field is gone goes as a whole: YAML has no empty block.
    paths = {field.path for field in take if field.live == MISSING}
    stays = [
        path for path in flatten_tree(document.tree) if not any(path[: len(one)] == one for one in paths)
    ]
    found = set()
    for path in paths:
        whole = path
        while len(whole) > CONFIG_FIELD_DEPTH and not any(
            each[: len(whole) - 1] == whole[:-1] for each in stays
        ):
            whole = whole[:-1]
        found.add(whole)
    return tuple(sorted(found))


def _find_sealed_paths(desired: DesiredResource, fields: tuple[FieldChange, ...]) -> frozenset[FieldPath]:
    if desired.address.kind == "connection":
        return desired.destination_paths
    paths = [field.path for field in fields]
    return frozenset(select_sealed_paths(desired.address.kind, desired.type, paths))


def _to_manifest_path(field: FieldChange) -> FieldPath:
    in_config = isinstance(field.live, Address) and field.path[0] == "config"
    return (*field.path, "ref") if in_config else field.path


def _to_manifest_value(field: FieldChange) -> Leaf:
    if isinstance(field.live, Address):
        return str(field.live) if field.path[0] == "config" else field.live.name
    return field.live


def _edit_tree(
    tree: Mapping[str, Any], values: Mapping[FieldPath, Leaf], removed: Iterable[FieldPath] = ()
) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(tree))
    for path, value in values.items():
        here = changed
        for key in path[:-1]:
            here = here.setdefault(key, {})
        here[path[-1]] = value
    for path in removed:
        here = changed
        for key in path[:-1]:
            here = here.get(key, {})
        here.pop(path[-1], None)
    return changed


def _compute_new_seal(
    document: Document, values: Mapping[FieldPath, Leaf], removed: tuple[FieldPath, ...]
) -> dict[FieldPath, Secret]:
    if SEAL_FIELD not in document.tree.get("secrets", {}):
        return {}
    what = seal_subject(document)
    stays = {
        path: leaf
        for path, leaf in what.fields.items()
        if not any(path[: len(one)] == one for one in removed)
    }
    moved = {**stays, **{path: value for path, value in values.items() if path[0] == "config"}}
    return {("secrets", SEAL_FIELD): Secret(compute_expected_seal(replace(what, fields=moved)))}
