"""Loads the manifests of a workspace, without decryption."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path as File

from msgspec import Struct

from keyturn.files.discovery import (
    SourceFile,
    find_manifests,
    is_within,
    load_file,
    manifest_name,
    reload_file,
)
from keyturn.manifests.cache import MIN_CACHED_FILES, ManifestCache, open_cache
from keyturn.manifests.manifest import Manifest, build_manifest, check_name
from keyturn.manifests.references import (
    find_duplicate_names,
    find_reference_cycles,
    find_unresolved_references,
)
from keyturn.manifests.seal import (
    SealSubject,
    build_seal_subject,
    check_empty_values,
    check_seal_present,
    resolve_seal_severity,
)
from keyturn.model.address import Address
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, Severity, error_diagnostic
from keyturn.model.resource import EMPTY, DesiredResource
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.settings import PolicySettings
from keyturn.project.project import Project, Workspace
from keyturn.schema.validate import validate_manifest
from keyturn.sops.checks import check_encryption
from keyturn.yamldoc.reader import Document, parse_document, restore_document


class FileValidation(Struct, frozen=True):
    """The validation of one file; ``document`` is None for a file that is not valid YAML."""

    document: Document | None
    matches_schema: bool
    diagnostics: tuple[Diagnostic, ...]


def validate_file(source: SourceFile, settings: PolicySettings) -> FileValidation:
    """Validate one file on its own: YAML, name, schema, encryption and seal, in this order."""
    try:
        document = parse_document(source.data, source.relative)
    except DiagnosticError as error:
        return FileValidation(None, matches_schema=False, diagnostics=error.diagnostics)
    schema_errors = (*check_name(document), *validate_manifest(document, str(document.tree.get("kind", ""))))
    empty_values = (*check_empty_values(document), *check_encryption(document, settings))
    lines = {diagnostic.origin.line for diagnostic in empty_values if diagnostic.cause is Cause.EMPTY_VALUE}
    findings = (
        *(
            diagnostic
            for diagnostic in schema_errors
            if diagnostic.cause is not Cause.EMPTY_VALUE or diagnostic.origin.line not in lines
        ),
        *empty_values,
        *check_seal_present(document, resolve_seal_severity(settings)),
    )
    matches = not any(diagnostic.severity is Severity.ERROR for diagnostic in schema_errors)
    return FileValidation(document, matches, findings)


class LoadedManifests(Struct, frozen=True, kw_only=True):
    """The manifests of a workspace, still encrypted, and the sorted diagnostics of all files.

    ``files`` are the paths of all files that were read, with those that yield no resource.
    ``invalid_sealed`` are encrypted files that do not match their schema: they yield no resource; if a
    key is available, the seal check tells a typo from tampering. ``cached_files`` are the paths of the
    manifests that were not parsed, because the cache has them.
    """

    desired: tuple[DesiredResource, ...] = ()
    resource_views: tuple[ResourceView, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    files: tuple[str, ...] = ()
    invalid_sealed: tuple[SealSubject, ...] = ()
    cached_files: frozenset[str] = frozenset()


def load_manifests(
    project: Project,
    workspace: Workspace,
    only: Collection[str] = (),
    environment: Mapping[str, str] = EMPTY,
) -> LoadedManifests:
    """Load the manifests of a workspace, or those in ``only`` (files and folders below the root).

    Invalid manifests raise no error; the result has the diagnostics of all files. With ``only``, other
    files are read only to resolve references. Without ``only``, unchanged manifests come from the
    user's cache folder, which ``environment`` determines; without it, all files are parsed.
    """
    files = find_manifests(project.root, workspace.manifests, only)
    is_cached = not only and len(files.sources) >= MIN_CACHED_FILES
    cache = open_cache(environment, project, workspace) if is_cached else ManifestCache()
    batch = _ManifestBatch(project.policy, workspace.name, cache)
    batch.add_sources(files.sources)
    batch.skip_files(project.root, files.skipped_names)
    batch.diagnostics.extend(
        diagnostic for diagnostic in files.diagnostics if not only or is_within(diagnostic.origin.file, *only)
    )
    return batch.build_result()


def verify_cached_manifests(
    project: Project, loaded: LoadedManifests, addresses: Collection[Address]
) -> None:
    """Parse the cached manifests of ``addresses`` and compare them with the cache.

    Raises DiagnosticError: KT143 for a file that changed, KT145 for a difference to the cache.
    """
    for cached in loaded.desired:
        file = cached.origin.file
        if cached.address in addresses and file in loaded.cached_files:
            source = reload_file(project.root, file, cached.digest)
            validation = validate_file(source, project.policy)
            document = validation.document
            if (
                document is None
                or validation.diagnostics
                or build_manifest(source, document).desired != cached
            ):
                message = "the cache of keyturn has other content for this file"
                hint = "delete the folder keyturn in your cache folder, then run the command again"
                raise DiagnosticError(error_diagnostic("KT145", cached.origin, message, hint))


def load_sources(
    settings: PolicySettings, workspace: str, sources: Sequence[SourceFile], *, keep_text: bool = False
) -> LoadedManifests:
    """Load manifests that were read before, for example from a commit.

    With ``keep_text``, locations are those of the sources, not of the files in the working tree.
    """
    batch = _ManifestBatch(settings, workspace, ManifestCache(), keep_text=keep_text)
    batch.add_sources(sources)
    return batch.build_result()


class _ManifestBatch:
    def __init__(
        self, settings: PolicySettings, workspace: str, cache: ManifestCache, *, keep_text: bool = False
    ) -> None:
        self._keep_text = keep_text
        self.diagnostics: list[Diagnostic] = []
        self._settings = settings
        self._cache = cache
        self._workspace = workspace
        self._files: list[str] = []
        self._cached_files: list[str] = []
        self._manifests: list[Manifest] = []
        self._invalid_sealed: list[SealSubject] = []
        self._invalid: dict[Address, ResourceView] = {}
        self._unreadable: set[str] = set()
        self._skipped: dict[str, list[tuple[File, str]]] = {}

    def add_sources(self, sources: Sequence[SourceFile]) -> None:
        self._files.extend(source.relative for source in sources)
        for source in sources:
            self._add_source(source)
        self._cache.save()

    def _add_source(self, source: SourceFile) -> None:
        tree = self._cache.find_tree(source)
        if tree is not None:
            self._cached_files.append(source.relative)
            document = restore_document(source.data, source.relative, tree)
            self._manifests.append(build_manifest(source, document, self._workspace))
            return
        validation = validate_file(source, self._settings)
        if validation.document and not validation.diagnostics:
            self._cache.add_tree(source, validation.document.tree)
        self.diagnostics.extend(validation.diagnostics)
        if validation.document is None:
            self._unreadable.add(manifest_name(source.relative))
        elif validation.matches_schema:
            self._manifests.append(
                build_manifest(source, validation.document, self._workspace, keep_text=self._keep_text)
            )
        else:
            self._add_invalid(source, validation.document)

    def skip_files(self, root: File, names: Iterable[str]) -> None:
        for name in names:
            self._skipped.setdefault(manifest_name(name), []).append((root, name))

    def build_result(self) -> LoadedManifests:
        subjects = tuple(manifest.resource_view for manifest in self._manifests)
        known = {subject.address: subject for subject in subjects}
        names = [str(address) for address in known]
        self.diagnostics.extend(find_duplicate_names(subjects))
        self.diagnostics.extend(
            find_unresolved_references(
                subjects, lambda address: known.get(address) or self._find_unloaded(address), names
            )
        )
        self.diagnostics.extend(find_reference_cycles(subjects))
        return LoadedManifests(
            desired=tuple(manifest.desired for manifest in self._manifests),
            resource_views=subjects,
            diagnostics=tuple(
                sorted(dict.fromkeys(self.diagnostics), key=lambda diagnostic: diagnostic.sort_key)
            ),
            files=tuple(self._files),
            invalid_sealed=tuple(self._invalid_sealed),
            cached_files=frozenset(self._cached_files),
        )

    def _add_invalid(self, source: SourceFile, document: Document) -> None:
        subject = build_seal_subject(document)
        self._invalid[subject.address] = ResourceView(address=subject.address, type="", file=source.relative)
        if "sops" in document.tree:
            self._invalid_sealed.append(subject)

    def _find_unloaded(self, address: Address) -> ResourceView | None:
        # A reference to an unreadable file resolves, so that one error has one diagnostic.
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
