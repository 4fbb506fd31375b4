"""What a pull did to one manifest: the fields that it wrote, and those that it left, each with why."""

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.change import FieldChange
from keyturn.core.fields import FieldPath


class SkippedField(Struct, frozen=True):
    """A field that drifted and was not written; ``consent`` names the credential that could be agreed to."""

    path: FieldPath
    reason: str
    needed_approval: str = ""


class PullResult(Struct, frozen=True, kw_only=True):
    """One manifest that differs from what is live; ``sealed`` tells that its secrets were bound anew.

    A field of ``written`` whose live value is ``ABSENT`` was taken out of the manifest.
    """

    address: Address
    file: str
    written: tuple[FieldChange, ...] = ()
    skipped: tuple[SkippedField, ...] = ()
    resealed: bool = False
