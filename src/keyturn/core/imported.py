"""What became of one live object in an import."""

from dataclasses import dataclass

from keyturn.core.address import Address


@dataclass(frozen=True, slots=True)
class Imported:
    """One object: the file that was written for it, or why there is none; ``notes`` for the reader."""

    address: Address
    file: str
    trouble: str = ""
    notes: tuple[str, ...] = ()
