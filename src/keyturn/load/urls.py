"""Addresses that a project file may name: the service's, which gets the API key, and the ledger's."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_HOST: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
_BUCKET: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PRINTABLE: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_SHARED: Final = ("s3", "gs", "az")


def service_refusal(text: str) -> str:
    """Return why ``text`` is no address for the service, empty where it is one.

    https, or http on the loopback interface; a host of ASCII; no user, query or fragment. A path
    of plain names may follow (``/v1``).
    """
    parts = _split(text)
    if isinstance(parts, str):
        return parts
    if parts.scheme not in ("https", "http"):
        return "it must begin with https://"
    if not parts.hostname or not _HOST.fullmatch(parts.netloc):
        return "it names no host, or one that is not plain ASCII"
    if parts.scheme == "http" and not loopback(parts.hostname):
        return "only https keeps the API key from other eyes; http is for 127.0.0.1 and localhost"
    return "" if _PATH.fullmatch(parts.path) else "its path holds more than plain names"


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


def loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine: localhost, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
