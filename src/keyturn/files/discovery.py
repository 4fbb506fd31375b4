"""Discovery of manifests: regular files below the root, opened without following symlinks.

Each component of a path is opened relative to its parent with O_NOFOLLOW, and checks use the open
handle. Neither a symlink nor a replacement between check and open can lead out of the root.
"""

import errno
import os
import re
import stat
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from keyturn.files.text import MAX_FILE_BYTES, TOO_LARGE_TEXTS, hash_content
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic, warning_diagnostic

MANIFEST_SUFFIXES: Final = (".yaml", ".yml")
"""The suffixes of manifest files."""

_NEAR_MISS_SUFFIXES: Final = (*MANIFEST_SUFFIXES, ".json", ".dec")
_COPY_PATTERN: Final = re.compile(r"\.(ya?ml|json)(?![a-z0-9])", re.IGNORECASE)

MAX_FOLDER_DEPTH: Final = 32
"""The maximum nesting depth of folders below a folder of manifests."""

_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_REGULAR_ERRNOS: Final = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR)


class SourceFile(Struct, frozen=True):
    """A file that was read: ``relative`` is its POSIX path from ``root``, ``digest`` that of its content."""

    root: Path
    relative: str
    digest: str
    data: bytes


class ManifestFiles(Struct, frozen=True):
    """The result of a search: files by path, diagnostics, and paths of manifests that were not opened."""

    sources: tuple[SourceFile, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    skipped_names: tuple[str, ...] = ()


def find_manifests(root: Path, folders: Iterable[str], only: Collection[str] = ()) -> ManifestFiles:
    """Read each ``*.yaml`` and ``*.yml`` file below ``folders`` of ``root`` once, sorted by path.

    Names that start with a dot are ignored. With ``only`` (files and folders), all other files are
    listed but not opened. Diagnostics: not a regular file (KT120), outside of the root (KT121), names
    that differ only in case (KT122), a missing folder or one without manifests (KT123), unreadable
    (KT124), too large (KT104), nested too deep (KT114), a copy of a manifest or a wrong suffix (KT125).
    """
    walker = _FolderWalker(root, only=frozenset(only))
    for folder in folders:
        walker.add_folder(folder)
    return walker.build_result()


def load_file(root: Path, relative: str) -> SourceFile:
    """Read one file below ``root``; raises DiagnosticError with the diagnostics of ``find_manifests``."""
    walker = _FolderWalker(root)
    walker.add_file(relative)
    result = walker.build_result()
    if result.diagnostics:
        raise DiagnosticError(*result.diagnostics)
    return result.sources[0]


def reload_file(root: Path, relative: str, digest: str) -> SourceFile:
    """Read a file again as ``load_file`` does; raises KT143 if its digest is not ``digest``."""
    source = load_file(root, relative)
    if source.digest != digest:
        message = "the file changed while it was being read"
        raise DiagnosticError(
            error_diagnostic("KT143", SourceLocation(relative, 1, 1), message, "run the command again")
        )
    return source


def open_folder(root: Path, relative: str, *, make: bool = False) -> int:
    """Open a folder below ``root``; the caller closes the handle. ``make`` creates missing folders.

    No component may be a symlink. Raises DiagnosticError with the diagnostics of ``find_manifests``.
    """
    walker = _FolderWalker(root, make=make)
    handle = walker.open_path(PurePosixPath(relative), relative)
    if handle is None:
        raise DiagnosticError(*walker.build_result().diagnostics)
    return handle


def manifest_name(relative: str) -> str:
    """Return the file name of a path without its last suffix, as ``Path.stem`` does."""
    name = relative.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def is_within(path: str, *folders: str) -> bool:
    """Return whether ``path`` is one of ``folders`` or below one; all are relative to the root."""
    return not set(list_path_and_parents(path)).isdisjoint(folders)


def list_path_and_parents(path: str) -> Iterator[str]:
    """Yield a relative path, each folder above it, and ``.`` for the root."""
    while path not in {"", "."}:
        yield path
        path = path.rpartition("/")[0]
    yield "."


def find_name_clashes(names: Iterable[str]) -> tuple[Diagnostic, ...]:
    """Return KT122 for each name that differs from an earlier one only in case or Unicode form."""
    seen: dict[str, str] = {}
    diagnostics = []
    for name in names:
        first = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if first != name:
            message = f"the name differs from {first} only in case; some file systems treat both as one file"
            diagnostics.append(
                error_diagnostic("KT122", SourceLocation(name), message, "rename one of the two")
            )
    return tuple(diagnostics)


def find_near_misses(paths: Iterable[str]) -> tuple[Diagnostic, ...]:
    """Return KT125 for each file that is no manifest and named like one of its folder."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    found = []
    for folder, names in folders.items():
        stems = {manifest_name(name) for name in names if _is_manifest_name(name)}
        others = (name for name in sorted(set(names)) if not _is_manifest_name(name))
        found += [f"{folder}/{name}" if folder else name for name in others if _is_near_miss(name, stems)]
    return tuple(map(_near_miss_error, found))


def read_excerpts(root: Path, diagnostics: Iterable[Diagnostic]) -> Mapping[str, str]:
    """Return the text of each file to which a diagnostic points, without the files that cannot be read."""
    texts: dict[str, str] = {}
    for file in {diagnostic.origin.file for diagnostic in diagnostics if diagnostic.origin.line}:
        with suppress(DiagnosticError, OSError):
            texts[file] = load_file(root, file).data.decode("utf-8", "replace")
    return texts


class _FolderWalker:
    def __init__(self, root: Path, *, make: bool = False, only: frozenset[str] = frozenset()) -> None:
        self._root = root
        self._only = frozenset(only)
        self._skipped_names: list[str] = []
        self._make = make
        self._sources: dict[str, SourceFile] = {}
        self._diagnostics: dict[str, Diagnostic] = {}

    def build_result(self) -> ManifestFiles:
        names = sorted(self._sources)
        clashes = find_name_clashes(sorted([*names, *self._skipped_names]))
        return ManifestFiles(
            tuple(self._sources[name] for name in names),
            tuple(sorted([*self._diagnostics.values(), *clashes], key=lambda each: each.sort_key)),
            tuple(sorted(self._skipped_names)),
        )

    def add_folder(self, relative: str) -> None:
        count = 0
        handle = self.open_path(PurePosixPath(relative), relative)
        if handle is None:
            return
        try:
            for inner_path, folders, files, inner_handle in os.fwalk(".", dir_fd=handle):
                base = PurePosixPath(relative, inner_path)
                self._filter_folders(base, folders, inner_handle)
                manifests = [name for name in files if _is_manifest_name(name)]
                count += len(manifests) + sum(name.endswith(MANIFEST_SUFFIXES) for name in folders)
                prefix = f"{base}/" if base.parts else ""
                for name in manifests:
                    self._read_entry(inner_handle, name, prefix + name)
                self._check_near_misses(files, prefix)
        finally:
            os.close(handle)
        if not count:
            # Only a warning: the guards of the plan decide whether the resources may be retired.
            hint = "add a manifest, or remove the folder from keyturn.yaml"
            empty = warning_diagnostic("KT123", SourceLocation(relative), "the folder has no manifests", hint)
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

    def open_path(self, path: PurePosixPath, origin: str) -> int | None:
        if path.is_absolute() or ".." in path.parts:
            self._add_error(
                "KT121", origin, "the path leads out of the project", "keep manifests below keyturn.yaml"
            )
            return None
        try:
            return _open_nested_folder(self._root, path, make=self._make)
        except FileNotFoundError:
            self._add_error(
                "KT123", origin, "no such file or folder", "correct the path, or `manifests` in keyturn.yaml"
            )
        except OSError as error:
            self._add_os_error(error, origin)
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
                    "KT114",
                    path,
                    f"folders are nested deeper than {MAX_FOLDER_DEPTH} levels",
                    "move the manifests up",
                )
            else:
                kept.append(name)
        folders[:] = kept

    def _check_near_misses(self, files: list[str], prefix: str) -> None:
        for diagnostic in find_near_misses(prefix + name for name in files):
            self._diagnostics.setdefault(diagnostic.origin.file, diagnostic)

    def _read_entry(self, folder: int, name: str, relative: str) -> None:
        if self._only and self._only.isdisjoint(list_path_and_parents(relative)):
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
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            self._add_irregular_error(relative)
            return
        data = _read_bytes(handle, status.st_size)
        if len(data) > MAX_FILE_BYTES:
            self._add_error("KT104", relative, *TOO_LARGE_TEXTS)
            return
        digest = hash_content(data)
        self._sources[relative] = SourceFile(self._root, relative, digest, data)

    def _add_os_error(self, error: OSError, relative: str) -> None:
        if error.errno in _NOT_REGULAR_ERRNOS:
            self._add_irregular_error(relative)
        else:
            self._add_error(
                "KT124", relative, "the file cannot be read", "check its permissions and those of its folders"
            )

    def _add_irregular_error(self, relative: str) -> None:
        message = "not a regular file; symlinks, folders, pipes and devices are not allowed"
        self._add_error("KT120", relative, message, "replace it with a regular file, or remove it")

    def _add_error(self, code: str, name: str, message: str, hint: str) -> None:
        self._diagnostics.setdefault(name, error_diagnostic(code, SourceLocation(name), message, hint))


def _is_manifest_name(name: str) -> bool:
    return name.endswith(MANIFEST_SUFFIXES) and not name.startswith(".")


def _near_miss_error(path: str) -> Diagnostic:
    message = "not a manifest, but named like one: keyturn reads only *.yaml and *.yml"
    hint = "remove a backup or a decrypted copy; rename a manifest so that it ends in .yaml"
    return error_diagnostic("KT125", SourceLocation(path), message, hint)


def _is_near_miss(name: str, stems: Collection[str]) -> bool:
    if not name.startswith("."):
        return bool(_COPY_PATTERN.search(name))
    return name.lower().endswith(_NEAR_MISS_SUFFIXES) and any(f"{stem}." in name for stem in stems)


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
    # The read asks for one byte more than ``size``; if that byte does not come, the file is complete.
    first = os.read(handle, min(size, MAX_FILE_BYTES) + 1)
    if len(first) == size:
        return first
    parts = [first]
    remaining = MAX_FILE_BYTES + 1 - len(first)
    while remaining > 0 and (part := os.read(handle, min(remaining, 1 << 16))):
        parts.append(part)
        remaining -= len(part)
    return b"".join(parts)
