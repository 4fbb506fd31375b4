"""A ledger that somebody exported: the document as the store keeps it, in a file of its own."""

from collections.abc import Mapping
from pathlib import Path

from keyturn.core.address import Address
from keyturn.core.resource import StateEntry
from keyturn.ledger.document import decode_state
from keyturn.load.project import Workspace


def read_exported_state(file: Path, workspace: Workspace) -> Mapping[Address, StateEntry]:
    """Return the entries of an exported ledger; raises Faulty (KT600 to KT602)."""
    return decode_state(file.read_bytes(), str(file), workspace.name, workspace.organization).entries
