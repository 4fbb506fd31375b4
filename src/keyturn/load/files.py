"""Walking folders of manifests: regular files below the root, and nothing that pretends to be one.

Each component of a path is opened relative to its parent with O_NOFOLLOW, and what was opened is
what is looked at: neither a symlink nor a swap between look and open leads out of the root.
"""

import errno
import hashlib
import os
import stat
import unicodedata
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty
from keyturn.load.findings import doubt, fault
from keyturn.load.text import LIMIT, TOO_LARGE

SUFFIXES: Final = (".yaml", ".yml")
"""What the name of a manifest ends in."""

NESTING: Final = 32
"""How deep folders may nest below a folder of manifests."""

_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_REGULAR: Final = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR)


class Source(Struct, frozen=True):
    """A file as it was read once: ``relative`` to ``root`` with slashes, SHA-256 of its bytes as hex."""

    root: Path
    relative: str
    digest: str
    data: bytes


class Survey(Struct, frozen=True):
    """What a walk found: files sorted by name, what could not be taken, and names that nobody asked for."""

    sources: tuple[Source, ...]
    findings: tuple[Diagnostic, ...] = ()
    unread: tuple[str, ...] = ()


def walk(root: Path, folders: Iterable[str]) -> tuple[Source, ...]:
    """Return the manifests below ``folders``, sorted; raises Faulty with all findings of ``survey``."""
    return _or_raise(survey(root, folders)).sources


def survey(root: Path, folders: Iterable[str], only: Collection[str] = ()) -> Survey:
    """Read every ``*.yaml`` and ``*.yml`` below ``folders`` of ``root``, each once, sorted by name.

    Names that begin with a dot are passed over. Findings: not a regular file (KT120), out of the
    root (KT121), names that differ in case alone (KT122), a folder that is missing or holds no
    manifest (KT123), unreadable (KT124), too large (KT104). With ``only``, no other file is opened.
    """
    walker = _Walker(root, only=frozenset(only))
    for folder in folders:
        walker.folder(folder)
    return walker.result()


def pick(root: Path, paths: Iterable[Path]) -> Survey:
    """Read the given files, and the manifests below the given folders; findings as for ``survey``."""
    walker = _Walker(root)
    top = os.path.realpath(root)
    for path in paths:
        real = Path(os.path.realpath(path.parent), path.name)
        relative = Path(os.path.relpath(real, top)).as_posix()
        if path.is_dir() and not path.is_symlink():
            walker.folder(relative)
        else:
            walker.file(relative)
    return walker.result()


def load_file(root: Path, relative: str) -> Source:
    """Read one file below ``root``; raises Faulty as ``survey`` would find."""
    walker = _Walker(root)
    walker.file(relative)
    return _or_raise(walker.result()).sources[0]


def load_again(root: Path, relative: str, digest: str) -> Source:
    """Read one file again; raises Faulty as ``load_file``, and KT143 where it has other bytes than it had."""
    source = load_file(root, relative)
    if source.digest != digest:
        message = "the file changed while it was being read"
        raise Faulty(fault("KT143", Origin(relative, 1, 1), message, "run the command again"))
    return source


def open_folder(root: Path, relative: str, *, make: bool = False) -> int:
    """Return a handle of a folder below ``root``, which the caller closes; ``make`` makes what is missing.

    No component may be a symlink. Raises Faulty as ``survey`` would find.
    """
    walker = _Walker(root, make=make)
    handle = walker.open(PurePosixPath(relative), relative)
    if handle is None:
        raise Faulty(*walker.result().findings)
    return handle


def stem(relative: str) -> str:
    """Return the name of a file without its folders and its last suffix, as ``Path.stem`` would."""
    name = relative.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def clashes(names: Iterable[str]) -> tuple[Diagnostic, ...]:
    """Return a finding for each name that equals an earlier one but for case or Unicode form."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        first = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if first != name:
            message = f"the name differs from {first} in case alone: on some disks they are one file"
            found.append(fault("KT122", Origin(name), message, "rename one of the two"))
    return tuple(found)


class _Walker:
    def __init__(self, root: Path, *, make: bool = False, only: frozenset[str] = frozenset()) -> None:
        self._root = root
        self._only = only
        self._unread: list[str] = []
        self._make = make
        self._sources: dict[str, Source] = {}
        self._findings: dict[str, Diagnostic] = {}

    def result(self) -> Survey:
        names = sorted(self._sources)
        findings = [*self._findings.values(), *clashes(sorted([*names, *self._unread]))]
        return Survey(
            tuple(self._sources[name] for name in names),
            tuple(sorted(findings, key=lambda each: each.rank)),
            tuple(sorted(self._unread)),
        )

    def folder(self, relative: str) -> None:
        seen = 0
        handle = self.open(PurePosixPath(relative), relative)
        if handle is None:
            return
        try:
            for here, folders, files, inner in os.fwalk(".", dir_fd=handle):
                base = PurePosixPath(relative, here)
                self._prune(base, folders, inner)
                wanted = [name for name in files if name.endswith(SUFFIXES) and not name.startswith(".")]
                seen += len(wanted) + len([name for name in folders if name.endswith(SUFFIXES)])
                prefix = f"{base}/" if base.parts else ""
                for name in wanted:
                    self._take(inner, name, prefix + name)
        finally:
            os.close(handle)
        if not seen:
            # No error: what an empty folder would retire is for the plan's guard to refuse or to pass.
            hint = "add one, or take it out of keyturn.yaml"
            empty = doubt("KT123", Origin(relative), "the folder holds no manifest", hint)
            self._findings.setdefault(relative, empty)

    def file(self, relative: str) -> None:
        path = PurePosixPath(relative)
        handle = self.open(path.parent, relative)
        if handle is None:
            return
        try:
            self._take(handle, path.name, relative)
        finally:
            os.close(handle)

    def open(self, path: PurePosixPath, named: str) -> int | None:
        if path.is_absolute() or ".." in path.parts:
            self._note(
                "KT121", named, "the path leads out of the project", "keep manifests below keyturn.yaml"
            )
            return None
        try:
            return _descend(self._root, path, make=self._make)
        except FileNotFoundError:
            self._note(
                "KT123", named, "no such file or folder", "correct the path, or the manifests of keyturn.yaml"
            )
        except OSError as error:
            self._failed(error, named)
        return None

    def _prune(self, base: PurePosixPath, folders: list[str], handle: int) -> None:
        kept = []
        for name in sorted(folders):
            path = str(base / name)
            if name.startswith("."):
                continue
            if stat.S_ISLNK(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                self._irregular(path)
            elif name.endswith(SUFFIXES):
                self._irregular(path)
                kept.append(name)
            elif len(base.parts) >= NESTING:
                self._note("KT114", path, f"folders nest deeper than {NESTING}", "move the manifests up")
            else:
                kept.append(name)
        folders[:] = kept

    def _take(self, folder: int, name: str, relative: str) -> None:
        if self._only and relative not in self._only:
            self._unread.append(relative)
            return
        try:
            handle = os.open(name, _FILE, dir_fd=folder)
        except FileNotFoundError:
            self._note("KT123", relative, "no such file or folder", "correct the path")
            return
        except OSError as error:
            self._failed(error, relative)
            return
        try:
            self._keep(handle, relative)
        except OSError as error:
            self._failed(error, relative)
        finally:
            os.close(handle)

    def _keep(self, handle: int, relative: str) -> None:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            self._irregular(relative)
            return
        data = _bytes(handle, found.st_size)
        if len(data) > LIMIT:
            self._note("KT104", relative, *TOO_LARGE)
            return
        digest = hashlib.sha256(data).hexdigest()
        self._sources[relative] = Source(self._root, relative, digest, data)

    def _failed(self, error: OSError, relative: str) -> None:
        if error.errno in _NOT_REGULAR:
            self._irregular(relative)
        else:
            self._note(
                "KT124", relative, "the file cannot be read", "check its permissions and those of its folders"
            )

    def _irregular(self, relative: str) -> None:
        message = "not a regular file: symlinks, folders, pipes and devices are no manifests"
        self._note("KT120", relative, message, "put the file itself here, or take the entry away")

    def _note(self, code: str, name: str, message: str, hint: str) -> None:
        self._findings.setdefault(name, fault(code, Origin(name), message, hint))


def _descend(root: Path, path: PurePosixPath, *, make: bool) -> int:
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in path.parts:
        outer = handle
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=outer)
            handle = os.open(part, _FOLDER, dir_fd=outer)
        finally:
            os.close(outer)
    return handle


def _bytes(handle: int, size: int) -> bytes:
    # One byte more is asked for than there should be: where it does not come, this is all of it.
    first = os.read(handle, min(size, LIMIT) + 1)
    if len(first) == size:
        return first
    parts = [first]
    wanted = LIMIT + 1 - len(first)
    while wanted > 0 and (part := os.read(handle, min(wanted, 1 << 16))):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _or_raise(found: Survey) -> Survey:
    if found.findings:
        raise Faulty(*found.findings)
    return found
