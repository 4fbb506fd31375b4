"""Files of a git revision, read as committed blobs without filters, hooks or a checkout."""

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import MANIFEST_SUFFIXES, ManifestFiles, SourceFile, find_name_clashes
from keyturn.files.text import MAX_FILE_BYTES, TOO_LARGE_TEXTS, hash_content
from keyturn.git.clone_state import explain_missing_objects, explain_missing_revision
from keyturn.git.process import find_work_tree, run_git
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic

SUBMODULE_MODE: Final = "160000"
"""The mode of a submodule in trees and in the index."""

_FILE_MODES: Final = ("100644", "100755")


class _TreeEntry(Struct, frozen=True):
    mode: str
    size: int
    object_id: str
    path: str
    rest: str = "."


class Revision:
    """A commit of the repository of ``root``; raises DiagnosticError (KT007) for an unknown revision.

    Paths are relative to ``root``, or to ``folder``, which is relative to the top of the work tree.
    """

    def __init__(self, root: Path, name: str, environment: Mapping[str, str], folder: str = "") -> None:
        here = root.resolve()
        self._root = root
        self._top = find_work_tree(root) or here
        self._prefix = PurePosixPath(folder or here.relative_to(self._top).as_posix())
        self._environment = environment
        self._name = name
        self.commit = self._resolve_commit(name)

    @property
    def folder(self) -> str:
        """The folder of the paths, relative to the top of the work tree; ``.`` for the top."""
        return str(self._prefix)

    @property
    def top(self) -> Path:
        """The top of the work tree."""
        return self._top

    def in_folder(self, folder: str) -> "Revision":
        """Return the same commit with paths relative to ``folder``, itself relative to the top."""
        return Revision(self._root, self.commit, self._environment, folder)

    def read_file(self, relative: str) -> SourceFile:
        """Read one file below the root; raises DiagnosticError (KT007) if the commit does not have it."""
        files = self.find_manifests([relative], any_name=True)
        if files.diagnostics:
            raise DiagnosticError(*files.diagnostics)
        if not files.sources:
            raise DiagnosticError(
                revision_error(f"{relative} does not exist in {self._name}", "name a revision that has it")
            )
        return files.sources[0]

    def list_paths(self) -> tuple[str, ...]:
        """Return the paths of all files of the commit, relative to the top; submodules are not entered."""
        done = self._run_git("ls-tree", "-r", "-z", "--full-tree", "--name-only", self.commit)
        self._check_result(done, "list the files")
        return tuple(map(os.fsdecode, done.stdout.split(b"\0")[:-1]))

    def list_manifest_paths(self, folders: Iterable[str]) -> tuple[str, ...]:
        """Return the paths of the manifests below ``folders``, without those of submodules."""
        return tuple(each.path for each in self._list_entries(folders) if _is_manifest(each))

    def find_merge_base(self, name: str) -> str:
        """Return the commit where this one and ``name`` part; empty if there is none, or no ``name``."""
        if not is_revision_name(name):
            return ""
        done = self._run_git("merge-base", self.commit, f"{name}^{{commit}}")
        return "" if done.returncode else done.stdout.decode().partition("\n")[0].strip()

    def find_manifests(self, folders: Iterable[str], *, any_name: bool = False) -> ManifestFiles:
        """Read the committed manifests below ``folders`` of the root, sorted by path.

        With ``any_name``, files of any name are read. Submodules are read at the recorded commit.
        Diagnostics: symlinks (KT120), too large files (KT104), names that differ only in case (KT122).
        Raises DiagnosticError: KT126 for a submodule whose commit is not here, KT007 for missing objects.
        """
        entries, diagnostics, sources = [], [], []
        for entry in self._list_entries(folders):
            location = SourceLocation(entry.path)
            if entry.mode == SUBMODULE_MODE:
                sources += self._read_submodule(entry, any_name=any_name)
            elif not any_name and not _is_manifest(entry):
                continue
            elif entry.mode not in _FILE_MODES:
                diagnostics.append(
                    error_diagnostic("KT120", location, "the commit has a symlink here", "commit the file")
                )
            elif entry.size > MAX_FILE_BYTES:
                diagnostics.append(error_diagnostic("KT104", location, *TOO_LARGE_TEXTS))
            else:
                entries.append(entry)
        sources += self._read_blobs(entries)
        sources.sort(key=lambda source: source.relative)
        return ManifestFiles(
            tuple(sources), (*diagnostics, *find_name_clashes(source.relative for source in sources))
        )

    def _read_submodule(self, entry: _TreeEntry, *, any_name: bool) -> list[SourceFile]:
        name, commit = entry.path, entry.object_id
        if not any_name and _is_hidden(name):
            return []
        folder = self._top / self._prefix / name
        if find_work_tree(folder) != folder.resolve() or not resolve_revision(
            folder, commit, self._environment
        ):
            message = f"the submodule is not here at {commit[:7]}, the commit that {self._name} records"
            hint = f"run `git submodule update --init --recursive -- {shlex.quote(name)}`"
            raise DiagnosticError(
                error_diagnostic("KT126", SourceLocation(name), message, f"{hint}, and fetch in it")
            )
        inner = Revision(folder, commit, self._environment)
        found = inner.find_manifests([entry.rest], any_name=any_name).sources
        return [replace(each, root=self._root, relative=f"{name}/{each.relative}") for each in found]

    def _resolve_commit(self, name: str) -> str:
        if not is_revision_name(name):
            raise DiagnosticError(
                revision_error(
                    "invalid revision name", "use a branch, a tag or a commit ID, for example origin/main"
                )
            )
        done = self._run_git("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
        if done.returncode:
            reason, hint = explain_missing_revision(self._top, self._environment, name)
            message = f"revision {name} not found: {reason}" if reason else f"revision {name} not found"
            raise DiagnosticError(revision_error(message, hint))
        return done.stdout.decode().strip()

    def _list_entries(self, folders: Iterable[str]) -> list[_TreeEntry]:
        entries: list[_TreeEntry] = []
        for folder in folders:
            path = PurePosixPath(folder)
            if path.is_absolute() or ".." in path.parts:
                hint = "keep manifests below keyturn.yaml"
                raise DiagnosticError(
                    error_diagnostic(
                        "KT121", SourceLocation(folder), "the path leads out of the project", hint
                    )
                )
            entries += self._list_tree(path, "-r") or self._find_outer_submodule(path)
        return list(dict.fromkeys(entries))

    def _find_outer_submodule(self, path: PurePosixPath) -> list[_TreeEntry]:
        # Without -r, git lists the named entry itself, also a submodule that contains the path.
        for outer in path.parents:
            for entry in self._list_tree(outer) if outer.parts else ():
                if entry.mode == SUBMODULE_MODE:
                    return [replace(entry, rest=str(path.relative_to(outer)))]
        return []

    def _list_tree(self, path: PurePosixPath, *options: str) -> list[_TreeEntry]:
        full = self._prefix / path
        names = [f":(literal){full}"] if full.parts else []
        done = self._run_git("ls-tree", *options, "-z", "-l", "--full-tree", self.commit, "--", *names)
        self._check_result(done, "list the files")
        prefix = "" if self._prefix == PurePosixPath() else f"{self._prefix}/"
        entries = []
        for row in done.stdout.split(b"\0")[:-1]:
            columns, _, name = row.partition(b"\t")
            mode, _type, object_id, size = columns.decode().split()
            relative = os.fsdecode(name).removeprefix(prefix)
            entries.append(_TreeEntry(mode, int(size) if size.isdigit() else 0, object_id, relative))
        return entries

    def _read_blobs(self, entries: list[_TreeEntry]) -> list[SourceFile]:
        if not entries:
            return []
        done = self._run_git(
            "cat-file", "--batch", stdin="".join(f"{each.object_id}\n" for each in entries).encode()
        )
        self._check_result(done, "read the files")
        sources, start = [], 0
        for entry in entries:
            end = done.stdout.index(b"\n", start)
            header = done.stdout[start:end].split()
            if header[-1] == b"missing":
                self._raise_missing_objects("read the files")
            size = int(header[2])
            data = done.stdout[end + 1 : end + 1 + size]
            start = end + 1 + size + 1
            sources.append(SourceFile(self._root, entry.path, hash_content(data), data))
        return sources

    def _check_result(self, done: "subprocess.CompletedProcess[bytes]", purpose: str) -> None:
        if done.returncode:
            self._raise_missing_objects(purpose)

    def _raise_missing_objects(self, purpose: str) -> NoReturn:
        reason, hint = explain_missing_objects(self._top, self._environment)
        raise DiagnosticError(revision_error(f"git could not {purpose} of {self._name}: {reason}", hint))

    def _run_git(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        try:
            return run_git(self._top, self._environment, arguments, stdin)
        except (OSError, subprocess.TimeoutExpired):
            raise DiagnosticError(
                revision_error("git could not be run", "install git, or run without a revision")
            ) from None


def resolve_head(root: Path, environment: Mapping[str, str]) -> str:
    """Return the commit ID of HEAD, empty outside of a repository or before the first commit."""
    return resolve_revision(root, "HEAD", environment)


def resolve_revision(root: Path, name: str, environment: Mapping[str, str]) -> str:
    """Return the commit ID of a revision, empty if git does not find it."""
    try:
        return Revision(root, name, environment).commit
    except DiagnosticError:
        return ""


def is_revision_name(name: str) -> bool:
    """Tell whether git can take ``name`` for a revision and for nothing else."""
    return bool(name) and not name.startswith("-") and name.isprintable()


def revision_error(message: str, hint: str) -> Diagnostic:
    """Return the error KT007: a revision or its files cannot be read."""
    return error_diagnostic("KT007", SourceLocation("keyturn.yaml"), message, hint)


def _is_manifest(entry: _TreeEntry) -> bool:
    return entry.path.endswith(MANIFEST_SUFFIXES) and not _is_hidden(entry.path)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
