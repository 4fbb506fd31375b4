"""URLs of the project file: the base URL of the service and the URL of the state."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

_PRINTABLE_PATTERN: Final = re.compile(r"[!-$&-\[\]-~]{1,2000}", re.ASCII)
_HOST_PATTERN: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII
)
_BASE_PATH_PATTERN: Final = re.compile(r"(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*", re.ASCII)
_BUCKET_PATTERN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_STATE_PREFIX_PATTERN: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_OBJECT_STORE_SCHEMES: Final = ("s3", "gs", "az")
_ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)


class ServiceUrlError(ValueError):
    """Raised for an invalid URL; the message states the reason without the URL."""


class ServiceUrl(Struct, frozen=True, kw_only=True):
    """The base URL of the API; ``prefix`` is empty, or starts with a slash and ends without one."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454); a redirect must keep them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.scheme == "https"


def parse_service_url(text: str) -> ServiceUrl:
    """Parse a base URL; raises ServiceUrlError.

    The scheme is https, or http on the loopback interface. The host is an IP address or a name of
    ASCII letters; the path consists of plain names such as ``/v1``. User, query, fragment and
    percent escapes are rejected, and a path that ends in ``/api``, which every request appends.
    """
    parts, port = _split_url(text)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ServiceUrlError("the URL must start with https://")
    host = parts.hostname or ""
    if not _HOST_PATTERN.fullmatch(parts.netloc) or not _is_host(host, parts.netloc) or port == 0:
        raise ServiceUrlError("the URL needs a host name in ASCII or an IP address")
    if parts.scheme == "http" and not is_loopback_host(host):
        raise ServiceUrlError("http is allowed only for localhost and 127.0.0.1; use https")
    prefix = parts.path.removesuffix("/")
    if not _BASE_PATH_PATTERN.fullmatch(prefix):
        raise ServiceUrlError("the path may contain only plain names, such as /v1")
    if prefix.endswith("/api"):
        raise ServiceUrlError("the path must not end in /api, because keyturn appends it")
    return ServiceUrl(
        scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], prefix=prefix
    )


def find_state_url_problem(text: str) -> str:
    """Return why ``text`` is not a valid state URL; empty for a valid one.

    Valid are ``file:`` with a path relative to the project root, and ``s3://``, ``gs://`` or
    ``az://`` with a bucket and a prefix of plain names.
    """
    if text.startswith("file:"):
        path = text.removeprefix("file:")
        is_folder = path.strip("/") and "\\" not in path and ".." not in path.split("/")
        return "" if is_folder else "file: must be followed by a folder without `..`"
    try:
        parts, _ = _split_url(text)
    except ServiceUrlError as error:
        return str(error)
    if parts.scheme not in _OBJECT_STORE_SCHEMES:
        return "the URL must start with file:, s3://, gs:// or az://"
    is_valid = _BUCKET_PATTERN.fullmatch(parts.netloc) and _STATE_PREFIX_PATTERN.fullmatch(parts.path)
    return "" if is_valid else "the scheme must be followed by a bucket and a prefix of plain names"


def is_loopback_host(host: str) -> bool:
    """Tell whether ``host`` is ``localhost``, in 127.0.0.0/8, or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_path_segment(identity: str) -> bool:
    """Tell whether an ID of the service is one path segment: letters, digits, ``-`` and ``_``."""
    return _ID_PATTERN.fullmatch(identity) is not None


def _split_url(text: str) -> tuple[SplitResult, int | None]:
    if not _PRINTABLE_PATTERN.fullmatch(text):
        raise ServiceUrlError(
            "the URL is too long, or contains whitespace, backslashes, % or non-ASCII characters"
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ServiceUrlError("the text is not a URL") from None
    if "@" in parts.netloc:
        raise ServiceUrlError("the URL must not contain a user or password")
    if "?" in text or "#" in text:
        raise ServiceUrlError("the URL must not contain a query or fragment")
    return parts, port


def _is_host(host: str, netloc: str) -> bool:
    if not netloc.startswith("["):
        return ".." not in host
    try:
        return ipaddress.ip_address(host).version == 6  # noqa: PLR2004
    except ValueError:
        return False
