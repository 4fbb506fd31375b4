"""The workspace of a base revision that corresponds to a workspace of the working tree.

The keyturn.yaml of the base says which manifests the base has. A workspace that is gone corresponds to
one that is new, if both have the same organization or common resources.
"""

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from keyturn.files.discovery import load_file, manifest_name
from keyturn.git.revision import Revision
from keyturn.model.diagnostic import DiagnosticError
from keyturn.project.project import PROJECT_FILE, Project, Workspace, parse_project
from keyturn.yamldoc.reader import parse_document


class WorkspaceOutline(Struct, frozen=True, kw_only=True):
    """A workspace as any keyturn.yaml describes it; ``project_folder`` is relative to the top of the tree."""

    project_folder: str
    name: str
    organization: str
    manifests: tuple[str, ...]


class BaseWorkspace(Struct, frozen=True, kw_only=True):
    """The workspace of the base, in the folder of its keyturn.yaml.

    ``outline`` is None if the base has no corresponding workspace. ``project`` is None if the base has no
    keyturn.yaml there, or an invalid one; ``is_invalid`` tells which.
    """

    revision: Revision
    outline: WorkspaceOutline | None
    project: Project | None
    is_invalid: bool = False
    project_count: int = 0


def find_base_workspace(
    project: Project, workspace: Workspace, base: Revision, names: Collection[str]
) -> BaseWorkspace:
    """Return the workspace of the base that corresponds to ``workspace``.

    ``names`` are those of the manifests in the working tree. Raises DiagnosticError as ``Revision``.
    """
    here = {each.name: each for each in _read_outlines(base)}
    if workspace.name in here:
        return _build_base_workspace(project, base, here[workspace.name])
    folders = _find_project_folders(base)
    gone = [
        each
        for folder in folders
        for each in (here.values() if folder == base.folder else _read_outlines(base.in_folder(folder)))
        if not _exists_now(project, base, each)
    ]
    scored = [(_score_match(base, each, workspace, names), each) for each in gone]
    matches = [each for each in scored if any(each[0][:2])]
    best = max(matches, key=lambda each: (each[0], each[1].name), default=None)
    if best is None:
        return _build_base_workspace(project, base, None, len(folders))
    return _build_base_workspace(project, base.in_folder(best[1].project_folder), best[1], len(folders))


def _build_base_workspace(
    project: Project, revision: Revision, outline: WorkspaceOutline | None, project_count: int = 1
) -> BaseWorkspace:
    data = _read_bytes(revision)
    found, is_invalid = None, False
    try:
        found = parse_project(data, project.root) if data else None
    except DiagnosticError:
        is_invalid = True
    return BaseWorkspace(
        revision=revision,
        outline=outline,
        project=found,
        is_invalid=is_invalid,
        project_count=project_count,
    )


def _score_match(
    base: Revision, outline: WorkspaceOutline, workspace: Workspace, names: Collection[str]
) -> tuple[bool, int, bool]:
    files = base.in_folder(outline.project_folder).list_manifest_paths(outline.manifests)
    common = len({manifest_name(each) for each in files}.intersection(names))
    return outline.organization == workspace.organization, common, outline.name == workspace.name


def _find_project_folders(base: Revision) -> tuple[str, ...]:
    paths = (PurePosixPath(each) for each in base.list_paths())
    return tuple(str(each.parent) for each in paths if each.name == PROJECT_FILE)


def _exists_now(project: Project, base: Revision, outline: WorkspaceOutline) -> bool:
    if outline.project_folder == base.folder:
        return outline.name in project.workspaces
    try:
        data = load_file(base.top, str(PurePosixPath(outline.project_folder, PROJECT_FILE))).data
    except DiagnosticError:
        return False
    return any(each.name == outline.name for each in _parse_outlines(data, outline.project_folder))


def _read_outlines(revision: Revision) -> tuple[WorkspaceOutline, ...]:
    return tuple(_parse_outlines(_read_bytes(revision), revision.folder))


def _read_bytes(revision: Revision) -> bytes:
    sources = revision.find_manifests([PROJECT_FILE], any_name=True).sources
    return sources[0].data if sources else b""


def _parse_outlines(data: bytes, folder: str) -> Iterator[WorkspaceOutline]:
    # Not by the schema: the keyturn.yaml of a base may be that of another version of keyturn.
    try:
        tree = parse_document(data, PROJECT_FILE, yes_no_as_text=True).tree
    except DiagnosticError:
        return
    workspaces = tree.get("workspaces")
    for name, each in workspaces.items() if isinstance(workspaces, dict) else ():
        folders = each.get("manifests") if isinstance(each, dict) else None
        if isinstance(folders, list):
            yield WorkspaceOutline(
                project_folder=folder,
                name=str(name),
                organization=str(each.get("organization", "")),
                manifests=tuple(filter(_is_inside, folders)),
            )


def _is_inside(folder: Any) -> bool:
    path = PurePosixPath(folder) if isinstance(folder, str) and folder else PurePosixPath("/")
    return not path.is_absolute() and ".." not in path.parts
