"""A workspace's files become what is wanted; nothing is decrypted until somebody needs a secret."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path as File

from msgspec import Struct

from keyturn.files.discovery import SourceFile, find_manifests, load_file, manifest_name
from keyturn.git.revision import Revision
from keyturn.manifests.manifest import Manifest, build_manifest, check_name
from keyturn.manifests.references import duplicate_names, reference_cycles, unresolved_references
from keyturn.manifests.seal import (
    SealSubject,
    check_empty_values,
    check_seal_present,
    missing_seal_severity,
    seal_subject,
)
from keyturn.model.address import Address
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, Severity
from keyturn.model.resource import DesiredResource
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.settings import PolicySettings
from keyturn.project.project import Project, Workspace
from keyturn.schema.validate import validate_manifest
from keyturn.sops.checks import check_encryption
from keyturn.yamldoc.reader import Document, parse_document


class FileValidation(Struct, frozen=True):
    """What one file showed: None for a document that cannot be read, ``fits`` where its schema takes it."""

    document: Document | None
    matches_schema: bool
    diagnostics: tuple[Diagnostic, ...]


def validate_file(source: SourceFile, settings: PolicySettings) -> FileValidation:
    """Read one file and return all that can be said of it alone, in the order in which it is asked."""
    try:
        document = parse_document(source.data, source.relative)
    except DiagnosticError as error:
        return FileValidation(None, matches_schema=False, diagnostics=error.diagnostics)
    misfits = (*check_name(document), *validate_manifest(document, str(document.tree.get("kind", ""))))
    empties = (*check_empty_values(document), *check_encryption(document, settings))
    lines = {each.origin.line for each in empties if each.cause is Cause.EMPTY_VALUE}
    findings = (
        *(each for each in misfits if each.cause is not Cause.EMPTY_VALUE or each.origin.line not in lines),
        *empties,
        *check_seal_present(document, missing_seal_severity(settings)),
    )
    fits = not any(each.severity is Severity.ERROR for each in misfits)
    return FileValidation(document, fits, findings)


class LoadedManifests(Struct, frozen=True, kw_only=True):
    """A workspace's manifests as they stand, all sealed, with every finding, sorted.

    ``doubtful`` are encrypted files that do not fit their schema: they give nothing that is
    wanted, and where a key is at hand their seals tell a slip of the pen from tampering.
    """

    desired: tuple[DesiredResource, ...] = ()
    resource_views: tuple[ResourceView, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    invalid_sealed: tuple[SealSubject, ...] = ()


def load_manifests(project: Project, workspace: Workspace, only: Collection[str] = ()) -> LoadedManifests:
    """Read every manifest of a workspace, or those of ``only`` (paths below the root).

    Nothing is raised for a manifest that is wrong: all findings of all files are returned. With
    ``only``, references may lead to files beside them, of which no more is read than that.
    """
    found = find_manifests(project.root, workspace.manifests, only)
    batch = _ManifestBatch(project.policy, workspace.name)
    batch.add_sources(found.sources)
    batch.skip_files(project.root, found.skipped_names)
    batch.diagnostics.extend(each for each in found.diagnostics if not only or each.origin.file in only)
    return batch.build_result()


def load_manifests_at(project: Project, workspace: Workspace, revision: Revision) -> LoadedManifests:
    """Read every manifest of a workspace as a commit holds it; what is wrong there is no news."""
    batch = _ManifestBatch(project.policy, workspace.name)
    batch.add_sources(revision.find_manifests(workspace.manifests).sources)
    return batch.build_result()


class _ManifestBatch:
    def __init__(self, settings: PolicySettings, workspace: str) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._settings = settings
        self._workspace = workspace
        self._manifests: list[Manifest] = []
        self._invalid_sealed: list[SealSubject] = []
        self._invalid: dict[Address, ResourceView] = {}
        self._unreadable: set[str] = set()
        self._skipped: dict[str, list[tuple[File, str]]] = {}

    def add_sources(self, sources: Sequence[SourceFile]) -> None:
        for source in sources:
            self._add_source(source)

    def _add_source(self, source: SourceFile) -> None:
        seen = validate_file(source, self._settings)
        self.diagnostics.extend(seen.diagnostics)
        if seen.document is None:
            self._unreadable.add(manifest_name(source.relative))
        elif seen.matches_schema:
            self._manifests.append(build_manifest(source, seen.document, self._workspace))
        else:
            self._add_invalid(source, seen.document)

    def skip_files(self, root: File, names: Iterable[str]) -> None:
        for name in names:
            self._skipped.setdefault(manifest_name(name), []).append((root, name))

    def build_result(self) -> LoadedManifests:
        subjects = tuple(each.resource_view for each in self._manifests)
        known = {subject.address: subject for subject in subjects}
        names = [str(address) for address in known]
        self.diagnostics.extend(duplicate_names(subjects))
        self.diagnostics.extend(
            unresolved_references(subjects, lambda one: known.get(one) or self._find_unloaded(one), names)
        )
        self.diagnostics.extend(reference_cycles(subjects))
        return LoadedManifests(
            desired=tuple(each.desired for each in self._manifests),
            resource_views=subjects,
            diagnostics=tuple(sorted(dict.fromkeys(self.diagnostics), key=lambda finding: finding.sort_key)),
            invalid_sealed=tuple(self._invalid_sealed),
        )

    def _add_invalid(self, source: SourceFile, document: Document) -> None:
        what = seal_subject(document)
        self._invalid[what.address] = ResourceView(address=what.address, type="", file=source.relative)
        if "sops" in document.tree:
            self._invalid_sealed.append(what)

    def _find_unloaded(self, address: Address) -> ResourceView | None:
        # What leads to a file that is broken is not lost as well: one fault, one finding.
        if address.name in self._unreadable:
            return ResourceView(address=address, type="", file="")
        for root, name in self._skipped.get(address.name, ()):
            try:
                source = load_file(root, name)
                document = parse_document(source.data, name)
            except DiagnosticError:
                continue
            if document.tree.get("kind") == address.kind:
                return ResourceView(
                    address=address, type=str(document.tree.get("type")), file=source.relative
                )
        return self._invalid.get(address)
