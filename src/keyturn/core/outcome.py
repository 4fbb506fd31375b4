"""How a change ended."""

from dataclasses import dataclass
from enum import Enum

from keyturn.core.address import Address


class Ending(Enum):
    """The ways in which a change ends."""

    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    STALE = "stale"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one change: what became of it, in words, and what the user does next."""

    address: Address
    action: str
    ending: Ending
    message: str = ""
    hint: str = ""
    waits_for: tuple[Address, ...] = ()
    warnings: tuple[str, ...] = ()
