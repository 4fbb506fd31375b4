"""Stores of a state: a folder, or a bucket of S3, Google Cloud Storage or Azure Blob Storage."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from keyturn.model.diagnostic import DiagnosticError, storage_error
from keyturn.state.stores.base import NO_ETAG, PreconditionFailed, StateStore, StoredObject
from keyturn.state.stores.directory import DirectoryStore

__all__ = ["NO_ETAG", "PreconditionFailed", "StateStore", "StoredObject", "open_store"]

_FILE_SCHEME = "file"
_OBJECT_SCHEMES = frozenset({"s3", "gs", "az"})


def open_store(url: str, root: Path, environment: Mapping[str, str]) -> StateStore:
    """Return the store of ``url`` without reading or creating anything.

    ``file:.keyturn/prod`` is a folder below ``root``, ``file:/var/lib/keyturn`` an absolute folder.
    ``s3://bucket/prefix``, ``gs://bucket/prefix`` and ``az://container/prefix`` take credentials and
    endpoint from ``environment``. Raises DiagnosticError KT603 for any other URL.
    """
    scheme, _, rest = url.partition(":")
    if scheme == _FILE_SCHEME:
        return _open_directory(rest, root)
    name, prefix = _parse_object_url(url)
    if scheme not in _OBJECT_SCHEMES or not name:
        raise _unknown_scheme_error(scheme if scheme in _OBJECT_SCHEMES else "?")
    from keyturn.state.stores.object_store import ObjectStore  # noqa: PLC0415 - the import takes 15 ms

    return ObjectStore(scheme, name, prefix, environment)


def _open_directory(rest: str, root: Path) -> DirectoryStore:
    path = PurePosixPath(rest)
    if path.parts in ((), ("/",)) or rest.startswith("//") or ".." in path.parts:
        raise _unknown_scheme_error(_FILE_SCHEME)
    base = Path(*path.parts[:-1]) if path.is_absolute() else root
    return DirectoryStore(base, path.parts[-1:] if path.is_absolute() else path.parts, f"file:{path}")


def _parse_object_url(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    steps = parts.path.strip("/").split("/")
    # A query may contain a SAS token, and a user name a password: git must not contain either.
    invalid = parts.query or parts.fragment or "@" in parts.netloc or {".", ".."} & set(steps)
    return ("", "") if invalid else (parts.netloc, "/".join(filter(None, steps)))


def _unknown_scheme_error(scheme: str) -> DiagnosticError:
    message = f"`state:` in keyturn.yaml has an invalid address with the scheme {scheme!r}"
    hint = "write file:.keyturn/prod, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
    return storage_error("KT603", "keyturn.yaml", message, f"{hint}; credentials come from the environment")
