"""Where a ledger is kept: a folder, or a bucket of S3, Google Cloud Storage or Azure Blob."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from keyturn.core.diagnostic import Faulty
from keyturn.ledger.faults import fault
from keyturn.ledger.folder import Folder
from keyturn.ledger.medium import ABSENT, Blob, Moved, Store

__all__ = ["ABSENT", "Blob", "Moved", "Store", "open_store"]

_FOLDER = "file"
_BUCKETS = frozenset({"s3", "gs", "az"})


def open_store(url: str, root: Path, environment: Mapping[str, str]) -> Store:
    """Return the store that ``url`` names; nothing is read or made yet.

    ``file:.keyturn/prod`` is a folder below the project's ``root``, ``file:/var/lib/keyturn`` one
    anywhere; ``s3://bucket/prefix``, ``gs://bucket/prefix`` and ``az://container/prefix`` take
    credentials and endpoint from ``environment``. Raises Faulty KT603 for anything else.
    """
    scheme, _, rest = url.partition(":")
    if scheme == _FOLDER:
        return _folder(rest, root)
    name, prefix = _bucket_and_prefix(url)
    if scheme not in _BUCKETS or not name:
        raise _not_understood(scheme if scheme in _BUCKETS else "?")
    from keyturn.ledger.bucket import Bucket  # noqa: PLC0415 - 15 ms that a folder need not spend

    return Bucket(scheme, name, prefix, environment)


def _folder(rest: str, root: Path) -> Folder:
    path = PurePosixPath(rest)
    if path.parts in ((), ("/",)) or rest.startswith("//") or ".." in path.parts:
        raise _not_understood(_FOLDER)
    base = Path(*path.parts[:-1]) if path.is_absolute() else root
    return Folder(base, path.parts[-1:] if path.is_absolute() else path.parts, f"file:{path}")


def _bucket_and_prefix(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    steps = parts.path.strip("/").split("/")
    # A query may be a SAS token and a user a password: neither belongs into a file in git.
    strange = parts.query or parts.fragment or "@" in parts.netloc or {".", ".."} & set(steps)
    return ("", "") if strange else (parts.netloc, "/".join(filter(None, steps)))


def _not_understood(scheme: str) -> Faulty:
    message = f"`ledger:` of the scheme {scheme!r} in keyturn.yaml is not understood"
    hint = "write file:.keyturn/prod, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
    return fault("KT603", "keyturn.yaml", message, f"{hint}; credentials come from the environment")
