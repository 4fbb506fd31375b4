"""The manifests of a base revision that a workspace of the working tree is compared with.

Resources are followed by kind and name, not by path. A resource that the workspace of the base does not
have is looked up among all files of the base: one that is no longer at its path, or that now belongs to
this workspace, is the same resource.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import MANIFEST_SUFFIXES, SourceFile, manifest_name
from keyturn.git.revision import Revision
from keyturn.git.work_tree import find_present_files
from keyturn.manifests.manifest import read_address
from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import (
    Diagnostic,
    DiagnosticError,
    Severity,
    pluralize,
    warning_diagnostic,
)
from keyturn.model.resource import DesiredResource
from keyturn.operations.review.base_workspace import BaseWorkspace, find_base_workspace
from keyturn.project.project import PROJECT_FILE, Project, Workspace
from keyturn.sops.recipients import FileRecipients, recipients_by_file
from keyturn.yamldoc.reader import parse_document


class BaseManifests(Struct, frozen=True, kw_only=True):
    """The files of the base, and the file of the working tree that each of them corresponds to.

    ``sources`` are the files of the corresponding workspace, ``followed`` those from elsewhere in the
    base. ``successors`` has the path of today by file of either; a file that is gone has none. ``notes``
    say how the base was found.
    """

    workspace: BaseWorkspace
    sources: tuple[SourceFile, ...]
    followed: tuple[SourceFile, ...]
    successors: Mapping[SourceFile, str]
    notes: tuple[Diagnostic, ...]

    @property
    def all_sources(self) -> tuple[SourceFile, ...]:
        """The files of the base, those from elsewhere last."""
        return (*self.sources, *self.followed)

    def read_recipients(self, needed: Collection[SourceFile] | None = None) -> Mapping[str, FileRecipients]:
        """Return the recipients of files of the base, by default all, by the path of today.

        A file that is gone has its own path after ``base:``.
        """
        return recipients_by_file(
            replace(each, relative=self.successors.get(each, f"base:{each.relative}"))
            for each in self.all_sources
            if needed is None or each in needed
        )


def find_base_manifests(
    project: Project,
    workspace: Workspace,
    base: Revision,
    files: Iterable[SourceFile],
    environment: Mapping[str, str],
) -> BaseManifests:
    """Find the manifests of ``base`` to compare ``files`` with, those of ``workspace`` today.

    Raises DiagnosticError: KT126 for a submodule that is not here, KT007 for missing objects.
    """
    now = {each.relative: each for each in files}
    found = find_base_workspace(project, workspace, base, {manifest_name(each) for each in now})
    sources = found.revision.find_manifests(found.outline.manifests).sources if found.outline else ()
    is_same_folder = found.revision.folder == base.folder
    successors = {each: each.relative for each in sources if is_same_folder and each.relative in now}
    taken = set(successors.values())
    wanted = _index_addresses(each for each in now.values() if each.relative not in taken)
    for source in sources if wanted else ():
        file = None if source in successors else wanted.get(find_address(source))
        if file and file not in taken:
            successors[source] = file
            taken.add(file)
    wanted = {address: file for address, file in wanted.items() if file not in taken}
    followed = _follow_resources(base, wanted, now, environment)
    notes = (
        *_describe_workspace(found, workspace, base),
        *_describe_followed(followed),
        *_describe_missing(found, base, len(now), len(successors) + len(followed)),
    )
    return BaseManifests(
        workspace=found,
        sources=sources,
        followed=tuple(followed),
        successors={**successors, **followed},
        notes=tuple(notes),
    )


def find_unreadable_manifests(
    found: BaseManifests, resources: Iterable[DesiredResource]
) -> Iterator[Diagnostic]:
    """Yield a warning (KT489) for each file of today whose version of the base yields no resource.

    ``resources`` are those of the base.
    """
    readable = {each.origin.file for each in resources}
    for source, file in found.successors.items():
        if source.relative not in readable:
            message = f"{source.relative} of the base is invalid, so the resource is compared as new"
            hint = "name another base with --base, and look at the whole file in the review"
            yield warning_diagnostic("KT489", SourceLocation(file), message, hint)


def find_address(source: SourceFile) -> Address | None:
    """Return the address in a manifest; None without kind or name, and for invalid YAML."""
    return next(_list_addresses(source), None)


def _list_addresses(source: SourceFile) -> Iterator[Address]:
    try:
        document = parse_document(source.data, source.relative)
        address = read_address(document)
    except (DiagnosticError, KeyError):
        return
    yield address
    previous = document.tree.get("moved_from")
    if isinstance(previous, str):
        yield Address(address.kind, previous)


def _index_addresses(files: Iterable[SourceFile]) -> dict[Address | None, str]:
    # The name of today goes before a previous name of another resource.
    index: dict[Address | None, str] = {}
    listed = [(each.relative, tuple(_list_addresses(each))) for each in files]
    for start, end in ((1, 2), (0, 1)):
        index |= {address: file for file, addresses in listed for address in addresses[start:end]}
    return index


def _follow_resources(
    base: Revision,
    wanted: Mapping[Address | None, str],
    now: Collection[str],
    environment: Mapping[str, str],
) -> Mapping[SourceFile, str]:
    names = {address.name for address in wanted if address}
    paths = [
        each
        for each in (base.list_paths() if names else ())
        if manifest_name(each) in names and each.endswith(MANIFEST_SUFFIXES)
    ]
    prefix = "" if base.folder == "." else f"{base.folder}/"
    own_paths = {f"{prefix}{each}" for each in now}
    present = find_present_files(base.top, paths, environment)
    moved = [each for each in paths if each in own_paths or each not in present]
    followed: dict[SourceFile, str] = {}
    for source in base.in_folder(".").find_manifests(moved).sources if moved else ():
        file = wanted.get(find_address(source))
        if file and file not in followed.values():
            followed[source] = file
    return followed


def _describe_workspace(found: BaseWorkspace, workspace: Workspace, base: Revision) -> Iterator[Diagnostic]:
    outline = found.outline
    if outline is None:
        return
    if outline.name != workspace.name:
        reason = (
            "it has the same organization"
            if outline.organization == workspace.organization
            else "it has the most common resources"
        )
        yield build_note(PROJECT_FILE, f"workspace {workspace.name} is {outline.name} of the base: {reason}")
    if found.revision.folder != base.folder:
        place = PurePosixPath(found.revision.folder, PROJECT_FILE)
        yield build_note(PROJECT_FILE, f"the base has this workspace in {place}")


def _describe_followed(followed: Mapping[SourceFile, str]) -> Iterator[Diagnostic]:
    for source, file in followed.items():
        message = f"the base has this resource in {source.relative}, outside of this workspace"
        yield build_note(file, message)


def _describe_missing(
    found: BaseWorkspace, base: Revision, file_count: int, known_count: int
) -> Iterator[Diagnostic]:
    place = str(PurePosixPath(base.folder, PROJECT_FILE))
    if found.is_invalid:
        yield build_note(PROJECT_FILE, f"{place} of the base is invalid: its policy was not compared")
    if found.outline is None and file_count:
        new = file_count - known_count
        reason = f"no {PROJECT_FILE}" if not found.project_count else "no such workspace"
        what = f"{new:,} of {pluralize(file_count, 'resource')}" if known_count else "all resources"
        if new:
            yield build_note(PROJECT_FILE, f"the base has {reason}: the plan compares {what} as new")


def build_note(file: str, message: str) -> Diagnostic:
    """Return the note KT488: how the base of a plan was found."""
    hint = "check that this is the resource you mean, or name another base with --base"
    return Diagnostic(
        code="KT488", severity=Severity.NOTE, message=message, origin=SourceLocation(file), hint=hint
    )
