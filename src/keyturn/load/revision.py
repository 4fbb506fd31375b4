"""Files of another revision, out of git: blobs as they were committed, no filter, hook or checkout."""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, Self

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty
from keyturn.load.files import SUFFIXES, Source, Survey, clashes
from keyturn.load.findings import fault
from keyturn.load.git_environment import COMMAND, git_environment
from keyturn.load.text import LIMIT, TOO_LARGE

_TIMEOUT: Final = 120.0
_DEFAULTS: Final = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_SYMLINK: Final = b"120000"
_BLOB: Final = (b"100644", b"100755")


class Revision:
    """A commit of the repository that holds ``root``; the environment lends PATH, HOME and git's own."""

    def __init__(self, root: Path, name: str, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = git_environment(environment)
        self._name = name
        self.commit = self._resolve(name)

    def read(self, relative: str) -> Source:
        """Return one file below the root; raises Faulty (KT007) where the commit has none."""
        found = self.survey([relative], any_name=True)
        if found.findings:
            raise Faulty(*found.findings)
        if not found.sources:
            raise Faulty(_unread(f"{self._name} holds no {relative}", "name a revision that has it"))
        return found.sources[0]

    @classmethod
    def fork_point(cls, root: Path, environment: Mapping[str, str]) -> Self:
        """Return the commit where this branch left the default branch; raises Faulty (KT007)."""
        here = cls(root, "HEAD", environment)
        for name in _DEFAULTS:
            found = here._git("merge-base", "HEAD", name)
            if found.returncode == 0 and found.stdout.strip():
                return cls(root, found.stdout.decode().split()[0], environment)
        shallow = here._git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        cause = "this clone is shallow" if shallow else "there is no default branch to compare with"
        hint = "fetch the whole history (actions/checkout: fetch-depth: 0), or name a revision with --base"
        raise Faulty(_unread(f"the base of this branch is not known: {cause}", hint))

    def survey(self, folders: Iterable[str], *, any_name: bool = False) -> Survey:
        """Return the manifests below ``folders`` of the root as they were committed, sorted by name.

        ``any_name`` takes files of any name. Findings as of ``files.survey``, for what a commit
        can hold: symlinks and submodules (KT120), too large (KT104), clashes (KT122).
        """
        entries, findings = [], []
        for mode, size, blob, name in self._entries(folders):
            if not any_name and (_hidden(name) or not name.endswith(SUFFIXES)):
                continue
            if mode not in _BLOB:
                message = "a symlink" if mode == _SYMLINK else "not a file"
                findings.append(
                    fault("KT120", Origin(name), f"the commit holds {message} here", "commit the file")
                )
            elif size > LIMIT:
                findings.append(fault("KT104", Origin(name), *TOO_LARGE))
            else:
                entries.append((name, blob))
        sources = self._blobs(sorted(entries))
        return Survey(sources, (*findings, *clashes(source.relative for source in sources)))

    def _resolve(self, name: str) -> str:
        if not name or name.startswith("-") or not name.isprintable():
            raise Faulty(_unread("this is no name of a revision", "write it like origin/main or a commit id"))
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
        if found.returncode:
            hint = "fetch it first: a shallow clone holds only the newest commits (git fetch --unshallow)"
            raise Faulty(_unread(f"git does not know the revision {name} here", hint))
        return found.stdout.decode().strip()

    def _entries(self, folders: Iterable[str]) -> list[tuple[bytes, int, bytes, str]]:
        paths = []
        for folder in folders:
            path = PurePosixPath(folder)
            if path.is_absolute() or ".." in path.parts:
                hint = "keep manifests below keyturn.yaml"
                raise Faulty(fault("KT121", Origin(folder), "the path leads out of the project", hint))
            paths.append(f":(literal){path}")
        found = self._git("ls-tree", "-r", "-z", "-l", self.commit, "--", *paths)
        if found.returncode:
            raise Faulty(
                _unread(f"git could not list {self._name}", "run `git status` here and look what it says")
            )
        rows = []
        for row in found.stdout.split(b"\0")[:-1]:
            facts, _, name = row.partition(b"\t")
            mode, _kind, blob, size = facts.split()
            rows.append((mode, int(size) if size.isdigit() else 0, blob, os.fsdecode(name)))
        return rows

    def _blobs(self, entries: list[tuple[str, bytes]]) -> tuple[Source, ...]:
        if not entries:
            return ()
        found = self._git("cat-file", "--batch", stdin=b"".join(blob + b"\n" for _, blob in entries))
        if found.returncode:
            raise Faulty(
                _unread(f"git could not read {self._name}", "run `git fsck` here and look what it says")
            )
        sources, at = [], 0
        for name, _ in entries:
            end = found.stdout.index(b"\n", at)
            size = int(found.stdout[at:end].split()[2])
            data = found.stdout[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
            sources.append(Source(self._root, name, hashlib.sha256(data).hexdigest(), data))
        return tuple(sources)

    def _git(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(  # noqa: S603
                [*COMMAND, *arguments],
                cwd=self._root,
                env=self._environment,
                input=stdin,
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            raise Faulty(_unread("git could not be run", "install git, or run without a revision")) from None


def head(root: Path, environment: Mapping[str, str]) -> str:
    """Return the commit that is checked out, empty outside git or before the first commit."""
    try:
        return Revision(root, "HEAD", environment).commit
    except Faulty:
        return ""


def _unread(message: str, hint: str) -> Diagnostic:
    return fault("KT007", Origin("keyturn.yaml"), message, hint)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
