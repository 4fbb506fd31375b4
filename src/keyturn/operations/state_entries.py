"""Build the state entry of a resource from its manifest and the object read back."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.kinds.connection import CREDENTIAL_PATH
from keyturn.model.change import MISSING
from keyturn.model.fields import FieldPath, Fields, to_json_pointer, values_equal
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry
from keyturn.schema.definitions import is_destination

MAX_EARLIER_FINGERPRINTS = 20
"""Fingerprints of earlier secrets that an entry keeps, to detect a reused secret."""


class WriteMetadata(Struct, frozen=True, kw_only=True):
    """Metadata of a write: time (RFC 3339), commit, and the planned destinations of the secrets.

    ``judged`` are the live fields that the approved plan has seen.
    """

    written_at: str
    commit: str
    destinations: tuple[str, ...] = ()
    judged: Fields = EMPTY


def build_entry(
    desired: DesiredResource,
    live: LiveObject,
    entry: StateEntry | None,
    fingerprints: Mapping[FieldPath, str],
    metadata: WriteMetadata,
) -> StateEntry:
    """Return the state entry after a write of ``desired`` that was read back as ``live``.

    ``entry`` is the previous entry. Secrets that the manifest keeps have no fingerprint.
    """
    before = entry.fingerprints if entry else {}
    rotated = {path for path, value in fingerprints.items() if before.get(path) != value}
    # Only a plan that wrote new values of all secrets has shown all their destinations.
    is_fully_rotated = bool(rotated) and rotated == desired.secrets.keys() and not desired.kept_secrets
    return StateEntry(
        address=desired.address,
        id=live.id,
        type=desired.type,
        digest=desired.digest,
        applied=desired.fields,
        observed=select_observed_fields(desired, live, entry, metadata.judged),
        fingerprints=fingerprints,
        updated_at=live.updated_at,
        earlier=_collect_earlier_fingerprints(entry, fingerprints),
        rotated_at=metadata.written_at if rotated or not entry else entry.rotated_at,
        protect=desired.lifecycle.protect,
        commit=metadata.commit,
        destinations=metadata.destinations if is_fully_rotated else (),
    )


def select_observed_fields(
    desired: DesiredResource, live: LiveObject, entry: StateEntry | None, judged: Fields = EMPTY
) -> Fields:
    """Return the live fields to record: those of the manifest, and destinations that the manifest omits.

    The latter are recorded when the object is created, and if an approved plan has seen their value
    (``judged``). A destination that appears later is thereby recognized as an edit.
    """
    seen = {path: leaf for path, leaf in judged.items() if values_equal(live.fields.get(path, MISSING), leaf)}
    recorded = {**(entry.observed if entry else live.fields), **seen}
    destinations = (
        path
        for path, leaf in recorded.items()
        if path == CREDENTIAL_PATH or is_destination(desired.address.kind, desired.type, path, leaf)
    )
    return {path: live.fields[path] for path in (*desired.fields, *destinations) if path in live.fields}


def mark_uncertain(entry: StateEntry) -> StateEntry:
    """Return the entry of an object whose content is uncertain; its fingerprints become earlier ones."""
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
    earlier = [value for value in (*entry.earlier, *replaced) if value not in current]
    return tuple(dict.fromkeys(earlier))[-MAX_EARLIER_FINGERPRINTS:]
