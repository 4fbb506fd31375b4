"""The ledger's address in the project file."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
_BUCKET: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PRINTABLE: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_SHARED: Final = ("s3", "gs", "az")


def ledger_refusal(text: str) -> str:
    """Return why ``text`` is no address for a ledger, empty where it is one.

    ``file:`` and a path, relative to the root, or ``s3://``, ``gs://``, ``az://`` with a bucket
    and a prefix of plain names.
    """
    if text.startswith("file:"):
        path = text.removeprefix("file:")
        plain = path.strip("/") and "\\" not in path and ".." not in path.split("/")
        return "" if plain else "after file: comes a folder, without `..`"
    parts = _split(text)
    if isinstance(parts, str):
        return parts
    if parts.scheme not in _SHARED:
        return "it must begin with file:, s3://, gs:// or az://"
    named = _BUCKET.fullmatch(parts.netloc) and _PATH.fullmatch(parts.path)
    return "" if named else "a bucket and a prefix of plain names follow the scheme"


def _split(text: str) -> SplitResult | str:
    if not _PRINTABLE.fullmatch(text):
        return "it holds blanks, backslashes, control characters or characters beyond ASCII"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return "it is not a URL"
    if "@" in parts.netloc:
        return "a user or password has no place in it"
    if "?" in text or "#" in text:
        return "a query or fragment has no place in it"
    return parts
