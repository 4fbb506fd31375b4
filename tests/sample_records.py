"""Records as the client returns them."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SampleRecord:
    """A record as the client returns it."""

    config: Any
    type: str = "database"
    status: str = "active"
    id: str = "cred_1"
    name: str = "prod-x"
    created_at: str = "2026-01-01T00:00:00Z"
    updated_at: str = "2026-01-02T00:00:00Z"
    credential_id: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    hidden: dict[tuple[str, ...], bool] = field(default_factory=dict)
