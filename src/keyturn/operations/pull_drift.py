"""Pull: write drifted plain fields of live objects back into the manifests."""

import copy
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import load_file
from keyturn.manifests.seal import Sealer, build_seal_subject
from keyturn.manifests.seal_review import reject_broken_seal, review_seal
from keyturn.manifests.sealing import SealerCache
from keyturn.manifests.writer import can_remove
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import MISSING, FieldChange
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import FieldPath, Leaf, flatten_tree
from keyturn.model.resource import DesiredResource, LiveObject
from keyturn.model.results import PullResult, SkippedField
from keyturn.model.secret import Secret
from keyturn.operations.observe import (
    check_organization,
    list_live_objects,
    read_details,
    read_live_objects,
)
from keyturn.operations.plan.recovery import list_unconfirmed_objects, resolve_open_intents
from keyturn.operations.plan.secret_loader import SecretLoader
from keyturn.operations.run_context import RunContext
from keyturn.operations.setup.init_repository import create_manifest_writer
from keyturn.planning.diff import compute_field_changes
from keyturn.planning.drift import select_pullable
from keyturn.planning.scope import matches_target
from keyturn.schema.definitions import SEAL_FIELD, select_destinations, select_sealed_paths
from keyturn.schema.validate import is_valid_manifest
from keyturn.state.reader import load_state
from keyturn.yamldoc.reader import Document, parse_document

CONFIG_FIELD_DEPTH = 2
"""Length of the path of a top-level config field, the largest part that is removed as a whole."""


class PullOptions(Struct, frozen=True):
    """Options of a pull.

    ``names`` are names, addresses or patterns; none means all. ``approved`` names the credentials
    whose destinations may change. Without ``write``, no file is written.
    """

    names: tuple[str, ...] = ()
    approved: frozenset[str] = frozenset()
    write: bool = True


def pull_drift(run: RunContext, options: PullOptions) -> tuple[PullResult, ...]:
    """Write drifted live values into the manifests; return the results sorted by address.

    Comments, order and ciphertexts do not change. A skipped field has a reason. Raises DiagnosticError
    KT071 for a name without a manifest, and the errors of manifests, state and service.
    """
    loaded = SecretLoader.for_run(run).load_manifests()
    selected = _select_manifests(loaded.desired, options.names)
    check_organization(run.service, run.workspace.organization)
    state = load_state(run.store, run.workspace.name, run.workspace.organization).state
    listed = list_live_objects(run.service, list_unconfirmed_objects(state))
    entries = resolve_open_intents(state, listed, partial(read_details, run.service)).entries
    live = read_live_objects(run.service, listed, selected, entries)
    addresses = {entry.id: address for address, entry in entries.items()}
    results = []
    for desired in sorted(selected, key=lambda each: each.address):
        entry = entries.get(desired.address)
        shown = live.get(entry.id) if entry and not entry.retired_at else None
        if entry and shown and shown.status != "deleted":
            fields = compute_field_changes(desired, entry, shown, addresses)
            results.append(_pull_manifest(run, options, desired, shown, fields))
    return tuple(each for each in results if each.written or each.skipped)


def _select_manifests(desired: Iterable[DesiredResource], names: tuple[str, ...]) -> list[DesiredResource]:
    resources = list(desired)
    for name in names:
        if not any(matches_target(each.address, name) for each in resources):
            raise DiagnosticError(
                Diagnostic(
                    code="KT071",
                    severity=Severity.ERROR,
                    message=f"there is no manifest {name}",
                    origin=SourceLocation("manifests"),
                    hint="use credential/NAME, connection/NAME, a name, or a pattern such as 'prod-*'",
                )
            )
    return [
        each for each in resources if not names or any(matches_target(each.address, name) for name in names)
    ]


def _pull_manifest(
    run: RunContext,
    options: PullOptions,
    desired: DesiredResource,
    live: LiveObject,
    fields: tuple[FieldChange, ...],
) -> PullResult:
    sealed = _find_sealed_paths(desired, fields)
    selection = select_pullable(desired, live, fields, sealed, options.approved)
    skipped = list(selection.skipped)
    if live.address != desired.address:
        reason = f"the live name is {live.address.name}: rename the manifest, or apply"
        skipped.append(SkippedField(("name",), reason))
    result = PullResult(address=desired.address, file=desired.origin.file, skipped=tuple(skipped))
    if not selection.to_write:
        return result
    source = load_file(run.root, desired.origin.file)
    document = parse_document(source.data, source.relative)
    writable, unremovable = _separate_removable(document, selection.to_write, desired.address.kind)
    skipped += unremovable
    values: dict[FieldPath, Any] = {
        _to_manifest_path(field): _to_manifest_value(field) for field in writable if field.live != MISSING
    }
    removed = _find_removed_paths(document, writable)
    if not is_valid_manifest(_edit_tree(document.tree, values, removed), desired.address.kind):
        skipped += (SkippedField(each.path, "the schema does not allow the live value") for each in writable)
        return replace(result, skipped=tuple(skipped))
    is_sealed = any(field.path in sealed for field in writable)
    reseals = is_sealed and SEAL_FIELD in document.tree.get("secrets", {})
    if options.write and writable:
        try:
            writer = create_manifest_writer(run.project, run.environment)
            if reseals:
                sealer = SealerCache(run.project, run.environment).find_sealer(source.relative)
                reject_broken_seal(review_seal(document, sealer, writer.read_secret, tuple))
                values["secrets", SEAL_FIELD] = _compute_new_seal(document, values, removed, sealer)
            writer.update_file(source.relative, values, removed)
        except DiagnosticError as error:
            reason = f"the file could not be written: {error.diagnostics[0].message}"
            skipped += (SkippedField(field.path, reason) for field in writable)
            return replace(result, skipped=tuple(skipped))
    return replace(result, written=writable, skipped=tuple(skipped), resealed=reseals)


def _separate_removable(
    document: Document, fields: tuple[FieldChange, ...], kind: str
) -> tuple[tuple[FieldChange, ...], tuple[SkippedField, ...]]:
    writable, skipped = [], []
    for field in fields:
        reason = _explain_unremovable(document, field.path, kind) if field.live == MISSING else ""
        if reason:
            skipped.append(SkippedField(field.path, reason))
        else:
            writable.append(field)
    removed = _find_removed_paths(document, writable)
    if removed and not _edit_tree(document.tree, {}, removed).get("config"):
        reason = "it was removed live, and `config:` would be empty: edit the file, or apply"
        skipped += [SkippedField(field.path, reason) for field in writable if field.live == MISSING]
        writable = [field for field in writable if field.live != MISSING]
    return tuple(writable), tuple(skipped)


def _explain_unremovable(document: Document, path: FieldPath, kind: str) -> str:
    if not is_valid_manifest(_edit_tree(document.tree, {}, (path,)), kind):
        return "it was removed live, but the manifest requires it: apply to restore it"
    if path not in document.spans or not can_remove(document, path):
        line = document.find_location(path).line
        return f"it was removed live: remove it in line {line} of the manifest, or apply to restore it"
    return ""


def _find_removed_paths(document: Document, fields: Iterable[FieldChange]) -> tuple[FieldPath, ...]:
    # A mapping without remaining fields is removed as a whole: YAML has no empty block.
    paths = {field.path for field in fields if field.live == MISSING}
    remaining = [path for path in flatten_tree(document.tree) if not _is_below_any(path, paths)]
    removed = set()
    for path in paths:
        largest = path
        while len(largest) > CONFIG_FIELD_DEPTH and not any(
            _is_below_any(each, [largest[:-1]]) for each in remaining
        ):
            largest = largest[:-1]
        removed.add(largest)
    return tuple(sorted(removed))


def _is_below_any(path: FieldPath, parents: Iterable[FieldPath]) -> bool:
    return any(path[: len(parent)] == parent for parent in parents)


def _find_sealed_paths(desired: DesiredResource, fields: tuple[FieldChange, ...]) -> frozenset[FieldPath]:
    if desired.address.kind == "connection":
        live = {field.path: field.live for field in fields if field.live != MISSING}
        return desired.destination_paths | select_destinations("connection", desired.type, live)
    paths = {field.path: field.live for field in fields}
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
    document: Document,
    values: Mapping[FieldPath, Leaf],
    removed: tuple[FieldPath, ...],
    sealer: Sealer,
) -> Secret:
    subject = build_seal_subject(document)
    remaining = {path: leaf for path, leaf in subject.fields.items() if not _is_below_any(path, removed)}
    changed = {path: value for path, value in values.items() if path[0] == "config"}
    return sealer.compute_seal(replace(subject, fields={**remaining, **changed}))
