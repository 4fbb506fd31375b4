"""How a change ended."""

from enum import Enum

from msgspec import Struct

from keyturn.core.address import Address


class OutcomeStatus(Enum):
    """The ways in which a change ends."""

    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    STALE = "stale"
    UNKNOWN = "unsure"


class ChangeOutcome(Struct, frozen=True, kw_only=True):
    """The end of one change: what became of it, in words, and what the user does next."""

    address: Address
    action: str
    outcome_status: OutcomeStatus
    message: str = ""
    hint: str = ""
    waits_for: tuple[Address, ...] = ()
    warnings: tuple[str, ...] = ()
