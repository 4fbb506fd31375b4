"""The state's address in the project file."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct

_PATH_PATTERN: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
_BUCKET_PATTERN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PRINTABLE_PATTERN: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_OBJECT_STORE_SCHEMES: Final = ("s3", "gs", "az")


def find_state_url_problem(text: str) -> str:
    """Return why ``text`` is no address for a state, empty where it is one.

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


_PRINTABLE: Final = re.compile(r"[!-$&-\[\]-~]{1,2000}", re.ASCII)
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII
)
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*", re.ASCII)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LONGEST_ID: Final = 512


class ServiceUrlError(ValueError):
    """Raised for a text that is no base URL; its message says why and does not repeat the text."""


class ServiceUrl(Struct, frozen=True, kw_only=True):
    """Where the API is: ``prefix`` is empty or begins with a slash and ends without one."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454): what a redirect must keep."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.scheme == "https"


def parse_service_url(text: str) -> ServiceUrl:
    """Read a base URL; raises ServiceUrlError.

    Accepted are https, and http on the loopback interface; a host of ASCII letters or an IP address; a
    port; a path of plain names such as ``/v1``. User, query, fragment, percent escapes and a path that
    ends in ``/api``, which every request adds, are refused.
    """
    parts, port = _split(text)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ServiceUrlError("it must begin with https://")
    host = parts.hostname or ""
    if not _HOST.fullmatch(parts.netloc) or not _is_host(host, parts.netloc) or port == 0:
        raise ServiceUrlError("it names no host, or one that is not plain ASCII")
    if parts.scheme == "http" and not is_loopback_host(host):
        raise ServiceUrlError("only https protects the API key; http is for 127.0.0.1 and localhost")
    prefix = parts.path.removesuffix("/")
    if not _PREFIX.fullmatch(prefix):
        raise ServiceUrlError("its path holds more than plain names")
    if prefix.endswith("/api"):
        raise ServiceUrlError("it ends in /api, which keyturn adds itself")
    return ServiceUrl(
        scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], prefix=prefix
    )


def is_loopback_host(host: str) -> bool:
    """Tell whether ``host`` is this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def quote_path_segment(identity: str) -> str:
    """Return an id of the service as one segment of a path; raises ValueError for what cannot be one."""
    if not identity or len(identity) > _LONGEST_ID or identity in {".", ".."} or not identity.isprintable():
        message = "the service gave an id that cannot stand in a path"
        raise ValueError(message)
    return quote(identity, safe="")


def _split(text: str) -> tuple[SplitResult, int | None]:
    if not _PRINTABLE.fullmatch(text):
        raise ServiceUrlError("it is too long, or holds blanks, backslashes, % or characters beyond ASCII")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ServiceUrlError("it is not a URL") from None
    if "@" in parts.netloc:
        raise ServiceUrlError("a user or password has no place in it")
    if "?" in text or "#" in text:
        raise ServiceUrlError("a query or fragment has no place in it")
    return parts, port


def _is_host(host: str, netloc: str) -> bool:
    if not netloc.startswith("["):
        return ".." not in host
    try:
        return ipaddress.ip_address(host).version == 6  # noqa: PLR2004
    except ValueError:
        return False
