"""What became of one live object in an import."""

from msgspec import Struct

from keyturn.core.address import Address


class Imported(Struct, frozen=True):
    """One object: the file that was written for it, or why there is none; ``notes`` for the reader."""

    address: Address
    file: str
    trouble: str = ""
    notes: tuple[str, ...] = ()
