"""What became of one live object in an import."""

from keyturn.core.address import Address
from keyturn.core.frozen import frozen


@frozen
class Imported:
    """One object: the file that was written for it, or why there is none; ``notes`` for the reader."""

    address: Address
    file: str
    trouble: str = ""
    notes: tuple[str, ...] = ()
