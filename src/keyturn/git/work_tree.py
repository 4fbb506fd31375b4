"""What the work tree lacks of the files that git holds: by a sparse checkout, or in another repository."""

import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from keyturn.files.discovery import MANIFEST_SUFFIXES, list_path_and_parents
from keyturn.git.process import ask_git, find_work_tree
from keyturn.git.revision import SUBMODULE_MODE
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, error_diagnostic, pluralize

_LEFT_OUT_TAG: Final = "S"
"""The tag of ``git ls-files -t`` for a file that the checkout leaves out."""


class _IndexEntry(Struct, frozen=True):
    tag: str
    mode: str
    object_id: str
    path: str


def check_work_tree(
    root: Path, folders: Collection[str], files: Iterable[str], environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return errors for manifests below ``folders`` that git holds and the work tree lacks.

    ``files`` are the paths of the manifests that were read. Errors: KT127 for files that a sparse
    checkout leaves out, KT126 for a submodule that is not at its recorded commit, and for a repository
    inside of this one that git does not record. Outside of a repository, the result is empty.
    """
    work_tree = find_work_tree(root)
    if work_tree is None:
        return ()
    prefix = root.resolve().relative_to(work_tree).as_posix()
    paths = [str(PurePosixPath(prefix, folder)) for folder in folders]
    # A submodule can contain a folder of manifests, so the folders above are listed, too.
    outer = [each for path in paths for each in list_path_and_parents(path) if each != "."]
    inside = tuple("" if path == "." else f"{path}/" for path in paths)
    entries = [
        each
        for each in _list_index(work_tree, outer or ["."], environment)
        if each.path.startswith(inside) or each.path in outer
    ]
    submodules = [each for each in entries if each.mode == SUBMODULE_MODE]
    return (
        *_check_sparse_files(root, work_tree, folders, entries),
        *(each for entry in submodules for each in _check_submodule(root, work_tree, entry, environment)),
        *_check_nested_repositories(root, work_tree, files, {each.path for each in submodules}),
    )


def find_present_files(top: Path, paths: Collection[str], environment: Mapping[str, str]) -> frozenset[str]:
    """Return those of ``paths`` that exist in the work tree, or that a sparse checkout leaves out."""
    absent = [each for each in paths if not (top / each).exists()]
    left_out = {each.path for each in _list_index(top, absent, environment) if each.tag == _LEFT_OUT_TAG}
    return frozenset(each for each in paths if each not in absent or each in left_out)


def _list_index(top: Path, paths: Collection[str], environment: Mapping[str, str]) -> list[_IndexEntry]:
    if not paths:
        return []
    names = (f":(literal){each}" for each in paths)
    output = ask_git(top, environment, "ls-files", "-z", "-t", "--stage", "--full-name", "--", *names)
    entries = []
    for row in output.split("\0")[:-1]:
        columns, _, path = row.partition("\t")
        tag, mode, object_id, _stage = columns.split()
        entries.append(_IndexEntry(tag, mode, object_id, path))
    return entries


def _check_sparse_files(
    root: Path, work_tree: Path, folders: Collection[str], entries: Iterable[_IndexEntry]
) -> Iterator[Diagnostic]:
    missing = [
        each.path
        for each in entries
        if each.tag == _LEFT_OUT_TAG
        and each.path.endswith(MANIFEST_SUFFIXES)
        and not os.path.lexists(work_tree / each.path)
    ]
    if missing:
        first = os.path.relpath(work_tree / missing[0], root.resolve())
        message = f"this sparse checkout leaves out {pluralize(len(missing), 'manifest')} that git holds"
        here = root.resolve().relative_to(work_tree)
        names = " ".join(shlex.quote((here / each).as_posix()) for each in folders)
        hint = f"run `git sparse-checkout add {names}`, or `git sparse-checkout disable`"
        yield error_diagnostic("KT127", SourceLocation(first), message, hint)


def _check_submodule(
    root: Path, work_tree: Path, entry: _IndexEntry, environment: Mapping[str, str]
) -> Iterator[Diagnostic]:
    folder = work_tree / entry.path
    place = os.path.relpath(folder, root.resolve())
    recorded = entry.object_id[:7]
    is_checked_out = find_work_tree(folder) == folder.resolve()
    here = ask_git(folder, environment, "rev-parse", "HEAD") if is_checked_out else ""
    if here == entry.object_id:
        return
    state = f"is at {here[:7]}" if here else "is not checked out"
    fix = f"`git submodule update --init --recursive -- {shlex.quote(place)}`"
    also = f", or `git add {shlex.quote(place)}` to record the other commit" if here else ""
    message = f"the submodule {state}; git records {recorded}"
    yield error_diagnostic("KT126", SourceLocation(place), message, f"run {fix}{also}")


def _check_nested_repositories(
    root: Path, work_tree: Path, files: Iterable[str], submodules: Collection[str]
) -> Iterator[Diagnostic]:
    here = root.resolve()
    parents = {each.rpartition("/")[0] for each in files}
    folders = {outer for each in parents if each for outer in list_path_and_parents(each) if outer != "."}
    for folder in sorted(folders):
        path = (here / folder).relative_to(work_tree).as_posix()
        is_recorded = any(each in submodules for each in list_path_and_parents(path))
        if not is_recorded and os.path.lexists(here / folder / ".git"):
            message = "a repository inside of this one: git does not hold these manifests here"
            hint = f"add it with `git submodule add URL {shlex.quote(folder)}`, or remove its .git folder"
            yield error_diagnostic("KT126", SourceLocation(folder), message, hint)
