"""The ledger's entry of a resource, made from what was wanted and what was read back."""

from collections.abc import Mapping
from dataclasses import replace

from keyturn.core.fields import Path, pointer
from keyturn.core.resource import EMPTY, Desired, Known, Live

REMEMBERED = 20
"""How many earlier fingerprints of a resource are kept to notice one that returns."""


def entry(
    desired: Desired, back: Live, known: Known | None, prints: Mapping[Path, str], stamps: tuple[str, str]
) -> Known:
    """Return what the ledger holds once ``desired`` was written and ``back`` was read.

    ``stamps`` are the time of a rotation (RFC 3339) and the commit. Fields that the manifest
    keeps live are not fingerprinted.
    """
    now, commit = stamps
    before = known.fingerprints if known else {}
    turned = any(before.get(path) != value for path, value in prints.items())
    return Known(
        address=desired.address,
        id=back.id,
        type=desired.type,
        digest=desired.digest,
        applied=desired.fields,
        observed={path: back.fields[path] for path in desired.fields if path in back.fields},
        fingerprints=prints,
        updated_at=back.updated_at,
        earlier=_earlier(known, prints),
        rotated_at=now if turned or not known else known.rotated_at,
        protect=desired.lifecycle.protect,
        commit=commit,
    )


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
