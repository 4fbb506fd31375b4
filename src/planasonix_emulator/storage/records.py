"""Stored credentials and connections, and how the emulator normalises their plain values."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

CREDENTIALS = "credentials"
CONNECTIONS = "connections"
ACTIVE = "active"
DELETED = "deleted"

_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID_PREFIXES = {CREDENTIALS: "cred_", CONNECTIONS: "conn_"}

_DEFAULT_VALUES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "postgres": {"port": 5432, "sslMode": "prefer", "schema": "public"},
        "mysql": {"port": 3306, "sslMode": "prefer"},
        "snowflake": {"schema": "PUBLIC"},
        "s3": {"pathStyle": False},
        "database": {"connect_timeout": 10},
        "aws": {"region": "us-east-1"},
    }
)
"""Values that the `defaults` normalisation adds, by type of connection or credential."""

_CASE_INSENSITIVE = frozenset({"host", "account", "bucket", "region", "endpoint", "sslMode", "engine"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A credential or connection: plain values as JSON text, secrets encrypted.

    Times are in microseconds since 1970. The fields have the order of the columns in the database.
    """

    id: str
    collection: str
    organization: str
    name: str
    type: str
    config: str
    encrypted: bytes = b""
    status: str = ACTIVE
    credential_id: str | None = None
    category: str = ""
    created_at: int
    updated_at: int
    deleted_at: int | None = None

    @property
    def is_active(self) -> bool:
        """Whether the object is not deleted."""
        return self.status != DELETED

    def plain_config(self) -> dict[str, Any]:
        """Return the configuration without secrets."""
        config: dict[str, Any] = msgspec.json.decode(self.config)
        return config


class IdGenerator:
    """Generate ids in the form of ULIDs; their order is the order of creation."""

    def __init__(self) -> None:
        self._last = 0

    def next_id(self, collection: str) -> str:
        """Return a new id for a credential or a connection."""
        number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
        self._last = max(number, self._last + 1)
        return _ID_PREFIXES[collection] + _encode_base32(self._last)


def format_config(config: Mapping[str, Any]) -> str:
    """Format plain values as the JSON text that a record contains."""
    return msgspec.json.encode(config).decode()


def normalise_config(kind: str, config: Mapping[str, Any], rules: tuple[str, ...]) -> dict[str, Any]:
    """Return the plain values after the given normalisations; `kind` is the object's type."""
    tree = dict(config)
    if "defaults" in rules:
        tree = {**_DEFAULT_VALUES.get(kind, {}), **tree}
    if "lower" in rules:
        tree = {
            name: value.lower() if name in _CASE_INSENSITIVE and isinstance(value, str) else value
            for name, value in tree.items()
        }
    for rule in rules:
        change = _VALUE_CHANGES.get(rule)
        if change is not None:
            tree = {name: _change_values(value, change) for name, value in tree.items()}
    return dict(sorted(tree.items())) if "order" in rules else tree


def _encode_base32(number: int) -> str:
    return "".join(_BASE32[number >> shift & 31] for shift in range(125, -1, -5))


def _change_values(tree: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(tree, Mapping):
        return {name: _change_values(value, change) for name, value in tree.items()}
    if isinstance(tree, list):
        return change([_change_values(item, change) for item in tree])
    return change(tree)


def _trim_text(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _parse_number(value: Any) -> Any:
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and str(int(value[:18])) == value
    return int(value) if digits else value


def _sort_list(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, list) else value


_VALUE_CHANGES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"trim": _trim_text, "numbers": _parse_number, "order": _sort_list}
)
