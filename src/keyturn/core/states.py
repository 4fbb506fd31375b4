"""The state of each secret field: told from fingerprints and ciphertext, never from values."""

from collections.abc import Mapping

from msgspec.structs import replace

from keyturn.core.change import SecretChange, SecretStatus
from keyturn.core.fields import FieldPath, to_json_pointer
from keyturn.core.resource import DesiredResource, StateEntry, EncryptedSecret


def secret_changes(desired: DesiredResource, known: StateEntry | None, prints: Mapping[FieldPath, str]) -> tuple[SecretChange, ...]:
    """Return the state of each secret field, sorted by path; ``prints`` fingerprint the opened ones."""
    changes = [
        SecretChange(path, *_secret_status(path, value, (desired, known), prints))
        for path, value in sorted(desired.secrets.items())
    ]
    changes += [
        SecretChange(path, SecretStatus.KEPT, "the manifest keeps the live value") for path in desired.kept_secrets
    ]
    held = set(desired.secrets) | set(desired.kept_secrets)
    gone = sorted(path for path in (known.fingerprints if known else {}) if path not in held)
    return (*changes, *(SecretChange(path, SecretStatus.CLEARED, "the manifest dropped it") for path in gone))


def _secret_status(  # noqa: PLR0911  # a decision table reads best as one return a row
    path: FieldPath, value: object, sides: tuple[DesiredResource, StateEntry | None], prints: Mapping[FieldPath, str]
) -> tuple[SecretStatus, str]:
    desired, known = sides
    before = known.fingerprints.get(path) if known else None
    if isinstance(value, EncryptedSecret) and path not in prints:
        if known and before and known.digest == desired.digest:
            return SecretStatus.UNCHANGED, "the file is as it was applied"
        return SecretStatus.UNKNOWN, "it was not decrypted"
    if before is None:
        if known and _is_write_uncertain(path, known):
            return SecretStatus.ROTATED, "an earlier write was cut off, so it is written again"
        return SecretStatus.SET, "not known to be set"
    if before == prints[path]:
        return SecretStatus.UNCHANGED, "the same value as last applied"
    if known and f"{to_json_pointer(path)}:{prints[path]}" in known.earlier:
        return SecretStatus.REUSED, "a value that was in use before returns"
    return SecretStatus.ROTATED, "another value than last applied"


def _is_write_uncertain(path: FieldPath, known: StateEntry) -> bool:
    # Of such an entry nothing is certain but that the field was set: to write it is a rotation.
    return not known.digest and any(each.rpartition(":")[0] == to_json_pointer(path) for each in known.earlier)


def mark_suspect(secrets: tuple[SecretChange, ...]) -> tuple[SecretChange, ...]:
    """Return the states for a live object that somebody wrote after us without a visible trace."""
    reason = "the live object was written after us, and no visible field explains it"
    return tuple(
        replace(change, status=SecretStatus.SUSPECT, reason=reason)
        if change.status is SecretStatus.UNCHANGED
        else change
        for change in secrets
    )
