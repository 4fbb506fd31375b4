"""The ledger's address in the project file."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_PATH_PATTERN: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
_BUCKET_PATTERN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PRINTABLE_PATTERN: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_OBJECT_STORE_SCHEMES: Final = ("s3", "gs", "az")


def find_state_url_problem(text: str) -> str:
    """Return why ``text`` is no address for a ledger, empty where it is one.

    ``file:`` and a path, relative to the root, or ``s3://``, ``gs://``, ``az://`` with a bucket
    and a prefix of plain names.
    """
    if text.startswith("file:"):
        path = text.removeprefix("file:")
        plain = path.strip("/") and "\\" not in path and ".." not in path.split("/")
        return "" if plain else "after file: comes a folder, without `..`"
    parts = _split_url(text)
    if isinstance(parts, str):
        return parts
    if parts.scheme not in _OBJECT_STORE_SCHEMES:
        return "it must begin with file:, s3://, gs:// or az://"
    named = _BUCKET_PATTERN.fullmatch(parts.netloc) and _PATH_PATTERN.fullmatch(parts.path)
    return "" if named else "a bucket and a prefix of plain names follow the scheme"


def _split_url(text: str) -> SplitResult | str:
    if not _PRINTABLE_PATTERN.fullmatch(text):
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
