"""The state's entry of a resource, made from what was wanted and what was read back."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.fields import FieldPath, Fields, to_json_pointer
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry
from keyturn.schema.definitions import is_destination

MAX_EARLIER_FINGERPRINTS = 20
"""How many earlier fingerprints of a resource are kept to notice one that returns."""


class WriteMetadata(Struct, frozen=True, kw_only=True):
    """What a write goes by: the time (RFC 3339), the commit, and where its plan sends the secrets."""

    written_at: str
    commit: str
    destinations: tuple[str, ...] = ()


def build_entry(
    desired: DesiredResource,
    back: LiveObject,
    entry: StateEntry | None,
    fingerprints: Mapping[FieldPath, str],
    metadata: WriteMetadata,
) -> StateEntry:
    """Return what the state holds once ``desired`` was written and ``back`` was read.

    Fields that the manifest keeps live are not fingerprinted.
    """
    before = entry.fingerprints if entry else {}
    turned = {path for path, value in fingerprints.items() if before.get(path) != value}
    # Only a plan that wrote all of its secrets anew has shown where they go.
    anew = bool(turned) and turned == desired.secrets.keys() and not desired.kept_secrets
    return StateEntry(
        address=desired.address,
        id=back.id,
        type=desired.type,
        digest=desired.digest,
        applied=desired.fields,
        observed=select_observed_fields(desired, back, entry),
        fingerprints=fingerprints,
        updated_at=back.updated_at,
        earlier=_collect_earlier_fingerprints(entry, fingerprints),
        rotated_at=metadata.written_at if turned or not entry else entry.rotated_at,
        protect=desired.lifecycle.protect,
        commit=metadata.commit,
        destinations=metadata.destinations if anew else (),
    )


def select_observed_fields(desired: DesiredResource, back: LiveObject, entry: StateEntry | None) -> Fields:
    """Return the live fields that the state holds: those that git states, as the service shows them.

    With them go the destinations that git does not state and the service filled in when the object
    was made: any other that is there some day was added by somebody.
    """
    others = entry.observed if entry else back.fields
    kept = (path for path in others if is_destination(desired.address.kind, desired.type, path))
    return {path: back.fields[path] for path in (*desired.fields, *kept) if path in back.fields}


def mark_uncertain(entry: StateEntry) -> StateEntry:
    """Return the entry of an object whose content is not certain; what it held counts as held before."""
    return replace(
        entry,
        digest="",
        fingerprints=EMPTY,
        updated_at="",
        earlier=_collect_earlier_fingerprints(entry, EMPTY),
    )


def _collect_earlier_fingerprints(
    entry: StateEntry | None, fingerprints: Mapping[FieldPath, str]
) -> tuple[str, ...]:
    if entry is None:
        return ()
    replaced = [
        f"{to_json_pointer(path)}:{value}"
        for path, value in sorted(entry.fingerprints.items())
        if fingerprints.get(path) != value
    ]
    current = {f"{to_json_pointer(path)}:{value}" for path, value in fingerprints.items()}
    kept = [each for each in (*entry.earlier, *replaced) if each not in current]
    return tuple(dict.fromkeys(kept))[-MAX_EARLIER_FINGERPRINTS:]
