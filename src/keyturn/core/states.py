"""The state of each secret field: told from fingerprints and ciphertext, never from values."""

from collections.abc import Mapping

from msgspec.structs import replace

from keyturn.core.change import SecretChange, SecretState
from keyturn.core.fields import Path, pointer
from keyturn.core.resource import Desired, Known, Sealed


def states(desired: Desired, known: Known | None, prints: Mapping[Path, str]) -> tuple[SecretChange, ...]:
    """Return the state of each secret field, sorted by path; ``prints`` fingerprint the opened ones."""
    changes = [
        SecretChange(path, *_state(path, value, (desired, known), prints))
        for path, value in sorted(desired.secrets.items())
    ]
    changes += [
        SecretChange(path, SecretState.KEPT, "the manifest keeps the live value") for path in desired.keep
    ]
    held = set(desired.secrets) | set(desired.keep)
    gone = sorted(path for path in (known.fingerprints if known else {}) if path not in held)
    return (*changes, *(SecretChange(path, SecretState.CLEARED, "the manifest dropped it") for path in gone))


def _state(  # noqa: PLR0911  # a decision table reads best as one return a row
    path: Path, value: object, sides: tuple[Desired, Known | None], prints: Mapping[Path, str]
) -> tuple[SecretState, str]:
    desired, known = sides
    before = known.fingerprints.get(path) if known else None
    if isinstance(value, Sealed) and path not in prints:
        if known and before and known.digest == desired.digest:
            return SecretState.UNCHANGED, "the file is as it was applied"
        return SecretState.UNKNOWN, "it was not decrypted"
    if before is None:
        if known and _unsettled(path, known):
            return SecretState.ROTATED, "an earlier write was cut off, so it is written again"
        return SecretState.SET, "not known to be set"
    if before == prints[path]:
        return SecretState.UNCHANGED, "the same value as last applied"
    if known and f"{pointer(path)}:{prints[path]}" in known.earlier:
        return SecretState.REUSED, "a value that was in use before returns"
    return SecretState.ROTATED, "another value than last applied"


def _unsettled(path: Path, known: Known) -> bool:
    # Of such an entry nothing is certain but that the field was set: to write it is a rotation.
    return not known.digest and any(each.rpartition(":")[0] == pointer(path) for each in known.earlier)


def suspected(secrets: tuple[SecretChange, ...]) -> tuple[SecretChange, ...]:
    """Return the states for a live object that somebody wrote after us without a visible trace."""
    reason = "the live object was written after us, and no visible field explains it"
    return tuple(
        replace(change, state=SecretState.SUSPECT, reason=reason)
        if change.state is SecretState.UNCHANGED
        else change
        for change in secrets
    )
