"""Files of another revision, out of git: blobs as they were committed, no filter, hook or checkout."""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, Self

from keyturn.files.discovery import MANIFEST_SUFFIXES, ManifestFiles, SourceFile, find_name_clashes
from keyturn.files.text import MAX_FILE_BYTES, TOO_LARGE_TEXTS
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic

GIT_COMMAND: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false")
"""What every call begins with."""

_PASSED_VARIABLES: Final = ("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CEILING_DIRECTORIES")
_PASSED_PREFIX: Final = "GIT_CONFIG"
_FIXED_VARIABLES: Final = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # Before 2.45 git knows of no lazy fetch that could be forbidden; without any protocol it fails.
    "GIT_ALLOW_PROTOCOL": "",
}


def build_git_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what git is given: PATH, HOME and its own settings of ``environment``, and nothing else."""
    passed = {
        key: value
        for key, value in environment.items()
        if key in _PASSED_VARIABLES or key.startswith(_PASSED_PREFIX)
    }
    return _FIXED_VARIABLES | passed


_GIT_TIMEOUT: Final = 120.0
_DEFAULT_BRANCHES: Final = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_SYMLINK_MODE: Final = b"120000"
_FILE_MODES: Final = (b"100644", b"100755")


class Revision:
    """A commit of the repository that holds ``root``; the environment lends PATH, HOME and git's own."""

    def __init__(self, root: Path, name: str, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = build_git_environment(environment)
        self._name = name
        self.commit = self._resolve_commit(name)

    def read_file(self, relative: str) -> SourceFile:
        """Return one file below the root; raises Faulty (KT007) where the commit has none."""
        found = self.find_manifests([relative], any_name=True)
        if found.diagnostics:
            raise DiagnosticError(*found.diagnostics)
        if not found.sources:
            raise DiagnosticError(
                _revision_error(f"{self._name} holds no {relative}", "name a revision that has it")
            )
        return found.sources[0]

    @classmethod
    def find_fork_point(cls, root: Path, environment: Mapping[str, str]) -> Self:
        """Return the commit where this branch left the default branch; raises Faulty (KT007)."""
        here = cls(root, "HEAD", environment)
        for name in _DEFAULT_BRANCHES:
            found = here._run_git("merge-base", "HEAD", name)
            if found.returncode == 0 and found.stdout.strip():
                return cls(root, found.stdout.decode().split()[0], environment)
        shallow = here._run_git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        cause = "this clone is shallow" if shallow else "there is no default branch to compare with"
        hint = "fetch the whole history (actions/checkout: fetch-depth: 0), or name a revision with --base"
        raise DiagnosticError(_revision_error(f"the base of this branch is not known: {cause}", hint))

    def find_manifests(self, folders: Iterable[str], *, any_name: bool = False) -> ManifestFiles:
        """Return the manifests below ``folders`` of the root as they were committed, sorted by name.

        ``any_name`` takes files of any name. Findings as of ``files.survey``, for what a commit
        can hold: symlinks and submodules (KT120), too large (KT104), clashes (KT122).
        """
        entries, findings = [], []
        for mode, size, blob, name in self._list_entries(folders):
            if not any_name and (_is_hidden(name) or not name.endswith(MANIFEST_SUFFIXES)):
                continue
            if mode not in _FILE_MODES:
                message = "a symlink" if mode == _SYMLINK_MODE else "not a file"
                findings.append(
                    error_diagnostic(
                        "KT120", SourceLocation(name), f"the commit holds {message} here", "commit the file"
                    )
                )
            elif size > MAX_FILE_BYTES:
                findings.append(error_diagnostic("KT104", SourceLocation(name), *TOO_LARGE_TEXTS))
            else:
                entries.append((name, blob))
        sources = self._read_blobs(sorted(entries))
        return ManifestFiles(sources, (*findings, *find_name_clashes(source.relative for source in sources)))

    def _resolve_commit(self, name: str) -> str:
        if not name or name.startswith("-") or not name.isprintable():
            raise DiagnosticError(
                _revision_error("this is no name of a revision", "write it like origin/main or a commit id")
            )
        found = self._run_git("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
        if found.returncode:
            hint = "fetch it first: a shallow clone holds only the newest commits (git fetch --unshallow)"
            raise DiagnosticError(_revision_error(f"git does not know the revision {name} here", hint))
        return found.stdout.decode().strip()

    def _list_entries(self, folders: Iterable[str]) -> list[tuple[bytes, int, bytes, str]]:
        paths = []
        for folder in folders:
            path = PurePosixPath(folder)
            if path.is_absolute() or ".." in path.parts:
                hint = "keep manifests below keyturn.yaml"
                raise DiagnosticError(
                    error_diagnostic(
                        "KT121", SourceLocation(folder), "the path leads out of the project", hint
                    )
                )
            paths.append(f":(literal){path}")
        found = self._run_git("ls-tree", "-r", "-z", "-l", self.commit, "--", *paths)
        if found.returncode:
            raise DiagnosticError(
                _revision_error(
                    f"git could not list {self._name}", "run `git status` here and look what it says"
                )
            )
        rows = []
        for row in found.stdout.split(b"\0")[:-1]:
            facts, _, name = row.partition(b"\t")
            mode, _kind, blob, size = facts.split()
            rows.append((mode, int(size) if size.isdigit() else 0, blob, os.fsdecode(name)))
        return rows

    def _read_blobs(self, entries: list[tuple[str, bytes]]) -> tuple[SourceFile, ...]:
        if not entries:
            return ()
        found = self._run_git("cat-file", "--batch", stdin=b"".join(blob + b"\n" for _, blob in entries))
        if found.returncode:
            raise DiagnosticError(
                _revision_error(
                    f"git could not read {self._name}", "run `git fsck` here and look what it says"
                )
            )
        sources, at = [], 0
        for name, _ in entries:
            end = found.stdout.index(b"\n", at)
            size = int(found.stdout[at:end].split()[2])
            data = found.stdout[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
            sources.append(SourceFile(self._root, name, hashlib.sha256(data).hexdigest(), data))
        return tuple(sources)

    def _run_git(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(  # noqa: S603
                [*GIT_COMMAND, *arguments],
                cwd=self._root,
                env=self._environment,
                input=stdin,
                capture_output=True,
                timeout=_GIT_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            raise DiagnosticError(
                _revision_error("git could not be run", "install git, or run without a revision")
            ) from None


def resolve_head(root: Path, environment: Mapping[str, str]) -> str:
    """Return the commit that is checked out, empty outside git or before the first commit."""
    try:
        return Revision(root, "HEAD", environment).commit
    except DiagnosticError:
        return ""


def _revision_error(message: str, hint: str) -> Diagnostic:
    return error_diagnostic("KT007", SourceLocation("keyturn.yaml"), message, hint)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
