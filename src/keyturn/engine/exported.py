"""A ledger that somebody exported: the document as the store keeps it, in a file of its own."""

from collections.abc import Mapping
from pathlib import Path

from keyturn.core.address import Address
from keyturn.core.resource import Known
from keyturn.ledger.document import from_json
from keyturn.load.project import Workspace


def exported(file: Path, workspace: Workspace) -> Mapping[Address, Known]:
    """Return the entries of an exported ledger; raises Faulty (KT600 to KT602)."""
    return from_json(file.read_bytes(), str(file), workspace.name, workspace.organization).entries
