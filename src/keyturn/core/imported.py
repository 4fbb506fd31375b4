"""What became of one live object in an import."""

from msgspec import Struct

from keyturn.core.address import Address


class ImportResult(Struct, frozen=True):
    """One object: the file that was written for it, or why there is none; ``notes`` for the reader."""

    address: Address
    file: str
    error: str = ""
    notes: tuple[str, ...] = ()
