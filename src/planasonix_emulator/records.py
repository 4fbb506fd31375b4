"""What the emulator keeps of one credential or connection."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CREDENTIALS = "credentials"
CONNECTIONS = "connections"
ACTIVE = "active"
DELETED = "deleted"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PREFIXES = {CREDENTIALS: "cred_", CONNECTIONS: "conn_"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One object: plain settings as JSON text, secrets sealed, times in microseconds since 1970."""

    id: str
    collection: str
    organization: str
    name: str
    type: str
    config: str
    sealed: bytes = b""
    status: str = ACTIVE
    credential_id: str | None = None
    category: str = ""
    created_at: int
    updated_at: int
    deleted_at: int | None = None

    @property
    def active(self) -> bool:
        """Whether the object is neither in the trash nor gone."""
        return self.status != DELETED

    def plain(self) -> dict[str, Any]:
        """Return the settings without secrets."""
        tree: dict[str, Any] = json.loads(self.config)
        return tree


class Ids:
    """Give ids whose tails look like ULIDs and whose order is the order of creation."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, collection: str) -> str:
        """Return a new id for a credential or a connection."""
        fresh = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
        self._last = max(fresh, self._last + 1)
        return _PREFIXES[collection] + _base32(self._last)


def written(config: Mapping[str, Any]) -> str:
    """Write plain settings as the text that a record keeps."""
    return json.dumps(config, ensure_ascii=False, separators=(",", ":"))


def _base32(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
