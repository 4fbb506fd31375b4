"""Files of a git revision, read as committed blobs without filters, hooks or a checkout."""

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

_GIT_COMMAND: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false")
_PASSED_VARIABLES: Final = ("PATH", "HOME", "XDG_CONFIG_HOME")
_PASSED_PREFIX: Final = "GIT_CONFIG"
_FIXED_VARIABLES: Final = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # git before 2.45 ignores GIT_NO_LAZY_FETCH; without an allowed protocol, its lazy fetch fails.
    "GIT_ALLOW_PROTOCOL": "",
}
_GIT_TIMEOUT: Final = 120.0
_DEFAULT_BRANCHES: Final = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_SYMLINK_MODE: Final = b"120000"
_FILE_MODES: Final = (b"100644", b"100755")


def build_git_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a git process: PATH, HOME and the settings of git, nothing else."""
    passed = {
        key: value
        for key, value in environment.items()
        if key in _PASSED_VARIABLES or key.startswith(_PASSED_PREFIX)
    }
    return _FIXED_VARIABLES | passed


def find_work_tree(start: Path) -> Path | None:
    """Return the nearest folder from ``start`` upwards that holds ``.git``; None without one."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if _has_git_entry(folder)), None)


def build_git_command(root: Path) -> tuple[str, ...]:
    """Return the start of each git command line for the repository around ``root``.

    The repository is named explicitly. The discovery of git would also accept committed files that
    look like a bare repository. Without a repository, the command fails.
    """
    work_tree = find_work_tree(root) or root
    return (*_GIT_COMMAND, f"--git-dir={work_tree / '.git'}", f"--work-tree={work_tree}")


class Revision:
    """A commit of the repository of ``root``; raises DiagnosticError (KT007) for an unknown revision."""

    def __init__(self, root: Path, name: str, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = build_git_environment(environment)
        self._command = build_git_command(root)
        self._name = name
        self.commit = self._resolve_commit(name)

    def read_file(self, relative: str) -> SourceFile:
        """Read one file below the root; raises DiagnosticError (KT007) if the commit does not have it."""
        files = self.find_manifests([relative], any_name=True)
        if files.diagnostics:
            raise DiagnosticError(*files.diagnostics)
        if not files.sources:
            raise DiagnosticError(
                _revision_error(f"{relative} does not exist in {self._name}", "name a revision that has it")
            )
        return files.sources[0]

    @classmethod
    def find_fork_point(cls, root: Path, environment: Mapping[str, str]) -> Self:
        """Return the commit where HEAD left the default branch; raises DiagnosticError (KT007)."""
        head = cls(root, "HEAD", environment)
        for name in _DEFAULT_BRANCHES:
            done = head._run_git("merge-base", "HEAD", name)
            if done.returncode == 0 and done.stdout.strip():
                return cls(root, done.stdout.decode().split()[0], environment)
        is_shallow = head._run_git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        cause = "this clone is shallow" if is_shallow else "no default branch was found"
        hint = "fetch the whole history (actions/checkout: fetch-depth: 0), or name a revision with --base"
        raise DiagnosticError(_revision_error(f"the base of this branch is unknown: {cause}", hint))

    def find_manifests(self, folders: Iterable[str], *, any_name: bool = False) -> ManifestFiles:
        """Read the committed manifests below ``folders`` of the root, sorted by path.

        With ``any_name``, files of any name are read. Diagnostics: symlinks and submodules (KT120),
        too large files (KT104), names that differ only in case (KT122).
        """
        entries, diagnostics = [], []
        for mode, size, blob, name in self._list_entries(folders):
            if not any_name and (_is_hidden(name) or not name.endswith(MANIFEST_SUFFIXES)):
                continue
            if mode not in _FILE_MODES:
                entry = "a symlink" if mode == _SYMLINK_MODE else "a submodule"
                diagnostics.append(
                    error_diagnostic(
                        "KT120", SourceLocation(name), f"the commit has {entry} here", "commit the file"
                    )
                )
            elif size > MAX_FILE_BYTES:
                diagnostics.append(error_diagnostic("KT104", SourceLocation(name), *TOO_LARGE_TEXTS))
            else:
                entries.append((name, blob))
        sources = self._read_blobs(sorted(entries))
        return ManifestFiles(
            sources, (*diagnostics, *find_name_clashes(source.relative for source in sources))
        )

    def _resolve_commit(self, name: str) -> str:
        if not name or name.startswith("-") or not name.isprintable():
            raise DiagnosticError(
                _revision_error(
                    "invalid revision name", "use a branch, a tag or a commit ID, for example origin/main"
                )
            )
        done = self._run_git("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
        if done.returncode:
            hint = "fetch it first; a shallow clone has only the newest commits (git fetch --unshallow)"
            raise DiagnosticError(_revision_error(f"revision {name} not found", hint))
        return done.stdout.decode().strip()

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
        done = self._run_git("ls-tree", "-r", "-z", "-l", self.commit, "--", *paths)
        if done.returncode:
            raise DiagnosticError(
                _revision_error(
                    f"git could not list the files of {self._name}", "run `git status` here to see the reason"
                )
            )
        rows = []
        for row in done.stdout.split(b"\0")[:-1]:
            columns, _, name = row.partition(b"\t")
            mode, _type, blob, size = columns.split()
            rows.append((mode, int(size) if size.isdigit() else 0, blob, os.fsdecode(name)))
        return rows

    def _read_blobs(self, entries: list[tuple[str, bytes]]) -> tuple[SourceFile, ...]:
        if not entries:
            return ()
        done = self._run_git("cat-file", "--batch", stdin=b"".join(blob + b"\n" for _, blob in entries))
        if done.returncode:
            raise DiagnosticError(
                _revision_error(
                    f"git could not read the files of {self._name}", "run `git fsck` here to see the reason"
                )
            )
        sources, start = [], 0
        for name, _ in entries:
            end = done.stdout.index(b"\n", start)
            size = int(done.stdout[start:end].split()[2])
            data = done.stdout[end + 1 : end + 1 + size]
            start = end + 1 + size + 1
            sources.append(SourceFile(self._root, name, hashlib.sha256(data).hexdigest(), data))
        return tuple(sources)

    def _run_git(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(  # noqa: S603
                [*self._command, *arguments],
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
    """Return the commit ID of HEAD, empty outside of a repository or before the first commit."""
    try:
        return Revision(root, "HEAD", environment).commit
    except DiagnosticError:
        return ""


def _revision_error(message: str, hint: str) -> Diagnostic:
    return error_diagnostic("KT007", SourceLocation("keyturn.yaml"), message, hint)


def _has_git_entry(folder: Path) -> bool:
    try:
        return (folder / ".git").exists()
    except OSError:
        return False


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
