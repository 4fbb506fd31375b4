"""Local cache of valid manifests: a file with unchanged bytes is neither parsed nor validated again.

The cache of a workspace is one file in the user's cache folder, with mode 0600. It may be deleted at
any time. It holds what the repository holds: plain values and ciphertext, never a plain secret. An
entry is valid for the same path and bytes, the same project file and the same code of keyturn.
"""

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from keyturn import __version__
from keyturn.files.discovery import SourceFile
from keyturn.project.project import Project, Workspace

CACHE_DAYS: Final = 30
"""The number of days after which a cache that no run has written is deleted."""

DISABLING_VARIABLE: Final = "KEYTURN_NO_CACHE"
"""The environment variable that turns the cache off if it is not empty."""

MIN_CACHED_FILES: Final = 20
"""The number of files below which parsing is as fast as reading the cache."""

_PACKAGE: Final = Path(__file__).parents[1]
_DECIDING_PACKAGES: Final = ("files", "kinds", "manifests", "model", "policy", "schema", "sops", "yamldoc")
_ACCESS_OF_OTHERS: Final = 0o077
_READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class _CachedManifest(Struct, frozen=True, array_like=True):
    digest: str
    tree: Raw


class _CacheFile(Struct, frozen=True, array_like=True):
    validity: str
    entries: Mapping[str, _CachedManifest]


class ManifestCache:
    """The valid manifests of a workspace as of the last run; without a folder, nothing is stored."""

    def __init__(self, folder: Path | None = None, file_name: str = "", validity: str = "") -> None:
        self._folder, self._file_name, self._validity = folder, file_name, validity
        self._loaded: Mapping[str, _CachedManifest] = {}
        self._used: dict[str, _CachedManifest] = {}

    def load(self) -> None:
        """Read the entries of the last run; raises OSError and MsgspecError."""
        if self._folder is None:
            return
        cached = msgspec.msgpack.decode(_read_file(self._folder, self._file_name), type=_CacheFile)
        if cached.validity == self._validity:
            self._loaded = cached.entries

    def find_tree(self, source: SourceFile) -> dict[str, Any] | None:
        """Return the tree of a manifest that is valid; None if the file must be parsed."""
        entry = self._loaded.get(source.relative)
        if entry is None or entry.digest != source.digest:
            return None
        try:
            tree = msgspec.msgpack.decode(entry.tree, type=dict[str, Any])
        except msgspec.MsgspecError:
            return None
        self._used[source.relative] = entry
        return tree

    def add_tree(self, source: SourceFile, tree: Mapping[str, Any]) -> None:
        """Add a valid manifest; one with secrets that are not encrypted is left out."""
        if self._folder is not None and ("secrets" not in tree or "sops" in tree):
            self._used[source.relative] = _CachedManifest(source.digest, Raw(msgspec.msgpack.encode(tree)))

    def save(self) -> None:
        """Store the entries that were used or added; an error of the file system is ignored."""
        if self._folder is not None and not self._used.items() <= self._loaded.items():
            data = msgspec.msgpack.encode(_CacheFile(self._validity, self._used))
            with suppress(OSError):
                _write_file(self._folder, self._file_name, data)


def open_cache(environment: Mapping[str, str], project: Project, workspace: Workspace) -> ManifestCache:
    """Return the cache of a workspace: empty if its file is missing, invalid, or accessible to others."""
    folder = _find_cache_folder(environment)
    if folder is None or not project.digest:
        return ManifestCache()
    name = sha256(f"{project.root}\0{workspace.name}".encode()).hexdigest()[:32] + ".msgpack"
    cache = ManifestCache(folder, name, _compute_validity(project))
    with suppress(OSError, msgspec.MsgspecError):
        cache.load()
    return cache


def _find_cache_folder(environment: Mapping[str, str]) -> Path | None:
    if environment.get(DISABLING_VARIABLE):
        return None
    candidates = (Path(environment.get("XDG_CACHE_HOME", "")), Path(environment.get("HOME", ""), ".cache"))
    # The specification of XDG ignores a relative path.
    return next((base / "keyturn/manifests" for base in candidates if base.is_absolute()), None)


def _compute_validity(project: Project) -> str:
    # The version alone does not change while somebody develops keyturn.
    stamps = [
        f"{entry.name} {entry.stat().st_mtime_ns} {entry.stat().st_size}"
        for package in _DECIDING_PACKAGES
        for entry in os.scandir(_PACKAGE / package)
    ]
    parts = (__version__, sys.version, project.digest, *sorted(stamps))
    return sha256("\0".join(parts).encode()).hexdigest()


@contextmanager
def _open_own_folder(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _check_owner(os.fstat(handle))
        yield handle
    finally:
        os.close(handle)


def _check_owner(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & _ACCESS_OF_OTHERS:
        message = "another user may access the cache"
        raise PermissionError(message)


def _read_file(folder: Path, name: str) -> bytes:
    with (
        _open_own_folder(folder) as folder_handle,
        os.fdopen(os.open(name, _READ_FLAGS, dir_fd=folder_handle), "rb") as file,
    ):
        status = os.fstat(file.fileno())
        _check_owner(status)
        return file.read() if stat.S_ISREG(status.st_mode) else b""


def _write_file(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _open_own_folder(folder) as handle:
        temporary = f".{token_hex(8)}"
        with os.fdopen(os.open(temporary, _WRITE_FLAGS, 0o600, dir_fd=handle), "wb") as file:
            file.write(data)
        os.replace(temporary, name, src_dir_fd=handle, dst_dir_fd=handle)
        written = os.stat(name, dir_fd=handle).st_mtime
        for other in os.listdir(handle):  # noqa: PTH208
            if os.stat(other, dir_fd=handle, follow_symlinks=False).st_mtime < written - CACHE_DAYS * 86400:
                os.unlink(other, dir_fd=handle)
