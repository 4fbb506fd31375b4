"""Walking folders of manifests: regular files below the root, and nothing that pretends to be one.

Each component of a path is opened relative to its parent with O_NOFOLLOW, and what was opened is
what is looked at: neither a symlink nor a swap between look and open leads out of the root.
"""

import errno
import hashlib
import os
import stat
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from keyturn.files.text import MAX_FILE_BYTES, TOO_LARGE_TEXTS
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic, warning_diagnostic

MANIFEST_SUFFIXES: Final = (".yaml", ".yml")
"""What the name of a manifest ends in."""

MAX_FOLDER_DEPTH: Final = 32
"""How deep folders may nest below a folder of manifests."""

_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_REGULAR_ERRNOS: Final = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR)


class SourceFile(Struct, frozen=True):
    """A file as it was read once: ``relative`` to ``root`` with slashes, SHA-256 of its bytes as hex."""

    root: Path
    relative: str
    digest: str
    data: bytes


class ManifestFiles(Struct, frozen=True):
    """What a walk found: files sorted by name, what could not be taken, and names that nobody asked for."""

    sources: tuple[SourceFile, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    skipped_names: tuple[str, ...] = ()


def load_manifest_files(root: Path, folders: Iterable[str]) -> tuple[SourceFile, ...]:
    """Return the manifests below ``folders``, sorted; raises Faulty with all findings of ``survey``."""
    return _raise_errors(find_manifests(root, folders)).sources


def find_manifests(root: Path, folders: Iterable[str], only: Collection[str] = ()) -> ManifestFiles:
    """Read every ``*.yaml`` and ``*.yml`` below ``folders`` of ``root``, each once, sorted by name.

    Names that begin with a dot are passed over. Findings: not a regular file (KT120), out of the
    root (KT121), names that differ in case alone (KT122), a folder that is missing or holds no
    manifest (KT123), unreadable (KT124), too large (KT104). With ``only``, no other file is opened.
    """
    walker = _FolderWalker(root, only=frozenset(only))
    for folder in folders:
        walker.add_folder(folder)
    return walker.build_result()


def load_given_files(root: Path, paths: Iterable[Path]) -> ManifestFiles:
    """Read the given files, and the manifests below the given folders; findings as for ``survey``."""
    walker = _FolderWalker(root)
    top = os.path.realpath(root)
    for path in paths:
        real = Path(os.path.realpath(path.parent), path.name)
        relative = Path(os.path.relpath(real, top)).as_posix()
        if path.is_dir() and not path.is_symlink():
            walker.add_folder(relative)
        else:
            walker.add_file(relative)
    return walker.build_result()


def load_file(root: Path, relative: str) -> SourceFile:
    """Read one file below ``root``; raises Faulty as ``survey`` would find."""
    walker = _FolderWalker(root)
    walker.add_file(relative)
    return _raise_errors(walker.build_result()).sources[0]


def reload_file(root: Path, relative: str, digest: str) -> SourceFile:
    """Read one file again; raises Faulty as ``load_file``, and KT143 where it has other bytes than it had."""
    source = load_file(root, relative)
    if source.digest != digest:
        message = "the file changed while it was being read"
        raise DiagnosticError(
            error_diagnostic("KT143", SourceLocation(relative, 1, 1), message, "run the command again")
        )
    return source


def open_folder(root: Path, relative: str, *, make: bool = False) -> int:
    """Return a handle of a folder below ``root``, which the caller closes; ``make`` makes what is missing.

    No component may be a symlink. Raises Faulty as ``survey`` would find.
    """
    walker = _FolderWalker(root, make=make)
    handle = walker.open_path(PurePosixPath(relative), relative)
    if handle is None:
        raise DiagnosticError(*walker.build_result().diagnostics)
    return handle


def manifest_name(relative: str) -> str:
    """Return the name of a file without its folders and its last suffix, as ``Path.stem`` would."""
    name = relative.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def find_name_clashes(names: Iterable[str]) -> tuple[Diagnostic, ...]:
    """Return a finding for each name that equals an earlier one but for case or Unicode form."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        first = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if first != name:
            message = f"the name differs from {first} in case alone: on some disks they are one file"
            found.append(error_diagnostic("KT122", SourceLocation(name), message, "rename one of the two"))
    return tuple(found)


class _FolderWalker:
    def __init__(self, root: Path, *, make: bool = False, only: frozenset[str] = frozenset()) -> None:
        self._root = root
        self._only = only
        self._skipped_names: list[str] = []
        self._make = make
        self._sources: dict[str, SourceFile] = {}
        self._diagnostics: dict[str, Diagnostic] = {}

    def build_result(self) -> ManifestFiles:
        names = sorted(self._sources)
        findings = [*self._diagnostics.values(), *find_name_clashes(sorted([*names, *self._skipped_names]))]
        return ManifestFiles(
            tuple(self._sources[name] for name in names),
            tuple(sorted(findings, key=lambda each: each.sort_key)),
            tuple(sorted(self._skipped_names)),
        )

    def add_folder(self, relative: str) -> None:
        seen = 0
        handle = self.open_path(PurePosixPath(relative), relative)
        if handle is None:
            return
        try:
            for here, folders, files, inner in os.fwalk(".", dir_fd=handle):
                base = PurePosixPath(relative, here)
                self._filter_folders(base, folders, inner)
                wanted = [
                    name for name in files if name.endswith(MANIFEST_SUFFIXES) and not name.startswith(".")
                ]
                seen += len(wanted) + len([name for name in folders if name.endswith(MANIFEST_SUFFIXES)])
                prefix = f"{base}/" if base.parts else ""
                for name in wanted:
                    self._read_entry(inner, name, prefix + name)
        finally:
            os.close(handle)
        if not seen:
            # No error: what an empty folder would retire is for the plan's guard to refuse or to pass.
            hint = "add one, or take it out of keyturn.yaml"
            empty = warning_diagnostic(
                "KT123", SourceLocation(relative), "the folder holds no manifest", hint
            )
            self._diagnostics.setdefault(relative, empty)

    def add_file(self, relative: str) -> None:
        path = PurePosixPath(relative)
        handle = self.open_path(path.parent, relative)
        if handle is None:
            return
        try:
            self._read_entry(handle, path.name, relative)
        finally:
            os.close(handle)

    def open_path(self, path: PurePosixPath, named: str) -> int | None:
        if path.is_absolute() or ".." in path.parts:
            self._add_error(
                "KT121", named, "the path leads out of the project", "keep manifests below keyturn.yaml"
            )
            return None
        try:
            return _open_nested_folder(self._root, path, make=self._make)
        except FileNotFoundError:
            self._add_error(
                "KT123", named, "no such file or folder", "correct the path, or the manifests of keyturn.yaml"
            )
        except OSError as error:
            self._add_os_error(error, named)
        return None

    def _filter_folders(self, base: PurePosixPath, folders: list[str], handle: int) -> None:
        kept = []
        for name in sorted(folders):
            path = str(base / name)
            if name.startswith("."):
                continue
            if stat.S_ISLNK(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                self._add_irregular_error(path)
            elif name.endswith(MANIFEST_SUFFIXES):
                self._add_irregular_error(path)
                kept.append(name)
            elif len(base.parts) >= MAX_FOLDER_DEPTH:
                self._add_error(
                    "KT114", path, f"folders nest deeper than {MAX_FOLDER_DEPTH}", "move the manifests up"
                )
            else:
                kept.append(name)
        folders[:] = kept

    def _read_entry(self, folder: int, name: str, relative: str) -> None:
        if self._only and relative not in self._only:
            self._skipped_names.append(relative)
            return
        try:
            handle = os.open(name, _FILE_FLAGS, dir_fd=folder)
        except FileNotFoundError:
            self._add_error("KT123", relative, "no such file or folder", "correct the path")
            return
        except OSError as error:
            self._add_os_error(error, relative)
            return
        try:
            self._store_file(handle, relative)
        except OSError as error:
            self._add_os_error(error, relative)
        finally:
            os.close(handle)

    def _store_file(self, handle: int, relative: str) -> None:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            self._add_irregular_error(relative)
            return
        data = _read_bytes(handle, found.st_size)
        if len(data) > MAX_FILE_BYTES:
            self._add_error("KT104", relative, *TOO_LARGE_TEXTS)
            return
        digest = hashlib.sha256(data).hexdigest()
        self._sources[relative] = SourceFile(self._root, relative, digest, data)

    def _add_os_error(self, error: OSError, relative: str) -> None:
        if error.errno in _NOT_REGULAR_ERRNOS:
            self._add_irregular_error(relative)
        else:
            self._add_error(
                "KT124", relative, "the file cannot be read", "check its permissions and those of its folders"
            )

    def _add_irregular_error(self, relative: str) -> None:
        message = "not a regular file: symlinks, folders, pipes and devices are no manifests"
        self._add_error("KT120", relative, message, "put the file itself here, or take the entry away")

    def _add_error(self, code: str, name: str, message: str, hint: str) -> None:
        self._diagnostics.setdefault(name, error_diagnostic(code, SourceLocation(name), message, hint))


def _open_nested_folder(root: Path, path: PurePosixPath, *, make: bool) -> int:
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in path.parts:
        outer = handle
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=outer)
            handle = os.open(part, _FOLDER_FLAGS, dir_fd=outer)
        finally:
            os.close(outer)
    return handle


def _read_bytes(handle: int, size: int) -> bytes:
    # One byte more is asked for than there should be: where it does not come, this is all of it.
    first = os.read(handle, min(size, MAX_FILE_BYTES) + 1)
    if len(first) == size:
        return first
    parts = [first]
    wanted = MAX_FILE_BYTES + 1 - len(first)
    while wanted > 0 and (part := os.read(handle, min(wanted, 1 << 16))):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _raise_errors(found: ManifestFiles) -> ManifestFiles:
    if found.diagnostics:
        raise DiagnosticError(*found.diagnostics)
    return found


def read_excerpts(root: Path, findings: Iterable[Diagnostic]) -> Mapping[str, str]:
    """Return the content of each file that a finding points into, as far as it can be read as text."""
    found: dict[str, str] = {}
    for file in {finding.origin.file for finding in findings if finding.origin.line}:
        try:
            found[file] = load_file(root, file).data.decode("utf-8", "replace")
        except (DiagnosticError, OSError):
            continue
    return found
