"""The address of the API: one host, which gets the key, and no other."""

import ipaddress
import re
from typing import NoReturn
from urllib.parse import quote, urlsplit

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.frozen import frozen

_URL = re.compile(r"[!-~]{1,2000}", re.ASCII)
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?", re.ASCII)
_PREFIX = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._~-]*)*", re.ASCII)
_PORTS = {"https": 443, "http": 80}
_LONGEST_ID = 512


@frozen
class Site:
    """Where the API is: ``prefix`` is empty or begins with a slash and ends without one."""

    scheme: str
    host: str
    port: int
    prefix: str

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454): what a redirect must keep."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def encrypted(self) -> bool:
        """Whether the way there is TLS."""
        return self.scheme == "https"


def site(base_url: str) -> Site:
    """Read a base URL; raises Faulty (KT511) for any but plain https, or http on this machine.

    User, query, fragment and a path that ends in ``/api`` are refused: ``/api/...`` is ours to add.
    """
    if not _URL.fullmatch(base_url) or "\\" in base_url or "%" in base_url:
        _refuse("holds characters that have no place in it")
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if "@" in parts.netloc:
        _refuse("holds a user or password")
    if "?" in base_url or "#" in base_url:
        _refuse("holds a query or fragment")
    if not _named(host) or port == 0:
        _refuse("names no host")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback(host)):
        _refuse("is not https")
    prefix = parts.path.rstrip("/")
    if not _PREFIX.fullmatch(prefix):
        _refuse("has a path that is not plain")
    if prefix.split("/")[-1] == "api":
        _refuse("ends in /api, which keyturn adds itself")
    return Site(parts.scheme, host, port or _PORTS[parts.scheme], prefix)


def loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine: ``localhost`` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def segment(identity: str) -> str:
    """Return an id of the service as one segment of a path; raises ValueError for what cannot be one."""
    if not identity or len(identity) > _LONGEST_ID or identity in {".", ".."} or not identity.isprintable():
        message = "the service gave an id that cannot stand in a path"
        raise ValueError(message)
    return quote(identity, safe="")


def _named(host: str) -> bool:
    if ":" not in host:
        return _HOST.fullmatch(host) is not None and ".." not in host
    try:
        return ipaddress.ip_address(host).version == 6  # noqa: PLR2004
    except ValueError:
        return False


def _refuse(what: str) -> NoReturn:
    raise Faulty(
        Diagnostic(
            code="KT511",
            severity=Severity.ERROR,
            message=f"base_url {what}",
            origin=Origin("keyturn.yaml"),
            hint="write https://HOST, with /v1 behind it where your deployment says so",
        )
    )
