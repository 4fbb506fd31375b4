"""How a change ended."""

from enum import Enum

from msgspec import Struct

from keyturn.core.address import Address


class Ending(Enum):
    """The ways in which a change ends."""

    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    STALE = "stale"
    UNSURE = "unsure"


class Outcome(Struct, frozen=True, kw_only=True):
    """The end of one change: what became of it, in words, and what the user does next."""

    address: Address
    action: str
    ending: Ending
    message: str = ""
    hint: str = ""
    waits_for: tuple[Address, ...] = ()
    warnings: tuple[str, ...] = ()
