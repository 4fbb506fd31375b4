"""A workspace's files become what is wanted; nothing is decrypted until somebody needs a secret."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path as File

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.diagnostic import Diagnostic, DiagnosticError
from keyturn.core.resource import DesiredResource
from keyturn.load.examining import validate_file
from keyturn.load.files import SourceFile, load_file, manifest_name, find_manifests
from keyturn.load.manifest import Manifest, build_manifest
from keyturn.load.nodes import Document, parse_document
from keyturn.load.project import Project, Workspace
from keyturn.load.references import reference_cycles, unresolved_references, duplicate_names
from keyturn.load.revision import Revision
from keyturn.load.seal import SealSubject, seal_subject
from keyturn.policy.settings import PolicySettings
from keyturn.policy.subject import ResourceView


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
        self.diagnostics.extend(unresolved_references(subjects, lambda one: known.get(one) or self._find_unloaded(one), names))
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
                return ResourceView(address=address, type=str(document.tree.get("type")), file=source.relative)
        return self._invalid.get(address)
