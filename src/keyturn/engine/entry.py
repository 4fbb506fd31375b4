"""The ledger's entry of a resource, made from what was wanted and what was read back."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.fields import Fields, Path, pointer
from keyturn.core.resource import EMPTY, Desired, Known, Live
from keyturn.load.definitions import leads

REMEMBERED = 20
"""How many earlier fingerprints of a resource are kept to notice one that returns."""


class Stamp(Struct, frozen=True, kw_only=True):
    """What a write goes by: the time (RFC 3339), the commit, and where its plan sends the secrets."""

    now: str
    commit: str
    destinations: tuple[str, ...] = ()


def entry(
    desired: Desired, back: Live, known: Known | None, prints: Mapping[Path, str], stamp: Stamp
) -> Known:
    """Return what the ledger holds once ``desired`` was written and ``back`` was read.

    Fields that the manifest keeps live are not fingerprinted.
    """
    before = known.fingerprints if known else {}
    turned = {path for path, value in prints.items() if before.get(path) != value}
    # Only a plan that wrote all of its secrets anew has shown where they go.
    anew = bool(turned) and turned == desired.secrets.keys() and not desired.keep
    return Known(
        address=desired.address,
        id=back.id,
        type=desired.type,
        digest=desired.digest,
        applied=desired.fields,
        observed=observed(desired, back, known),
        fingerprints=prints,
        updated_at=back.updated_at,
        earlier=_earlier(known, prints),
        rotated_at=stamp.now if turned or not known else known.rotated_at,
        protect=desired.lifecycle.protect,
        commit=stamp.commit,
        destinations=stamp.destinations if anew else (),
    )


def observed(desired: Desired, back: Live, known: Known | None) -> Fields:
    """Return the live fields that the ledger holds: those that git states, as the service shows them.

    With them go the destinations that git does not state and the service filled in when the object
    was made: any other that is there some day was added by somebody.
    """
    others = known.observed if known else back.fields
    kept = (path for path in others if leads(desired.address.kind, desired.type, path))
    return {path: back.fields[path] for path in (*desired.fields, *kept) if path in back.fields}


def doubtful(known: Known) -> Known:
    """Return the entry of an object whose content is not certain; what it held counts as held before."""
    return replace(known, digest="", fingerprints=EMPTY, updated_at="", earlier=_earlier(known, EMPTY))


def _earlier(known: Known | None, prints: Mapping[Path, str]) -> tuple[str, ...]:
    if known is None:
        return ()
    replaced = [
        f"{pointer(path)}:{value}"
        for path, value in sorted(known.fingerprints.items())
        if prints.get(path) != value
    ]
    current = {f"{pointer(path)}:{value}" for path, value in prints.items()}
    kept = [each for each in (*known.earlier, *replaced) if each not in current]
    return tuple(dict.fromkeys(kept))[-REMEMBERED:]
