"""Three-way comparison of manifests: which values each side changed, and what contradicts.

A secret counts as changed if its value differs, not its ciphertext: a new data key changes no secret.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from keyturn.manifests.seal import build_seal_subject
from keyturn.model.fields import FieldPath, format_path
from keyturn.model.seal import select_fields
from keyturn.model.secret import Secret
from keyturn.schema.definitions import SEAL_FIELD, select_sealed_paths
from keyturn.yamldoc.reader import Document

OpenedSecrets: TypeAlias = Mapping[FieldPath, Secret]


class MergeSide(Struct, frozen=True):
    """A version of a manifest with its decrypted secrets by path."""

    document: Document
    secrets: OpenedSecrets

    @property
    def data_key_texts(self) -> str:
        """The wrapped data keys with their recipients, as one text."""
        block = self.document.tree.get("sops")
        kept = ("lastmodified", "mac", "version")
        return repr({key: value for key, value in block.items() if key not in kept}) if block else ""


class SecretMerge(Struct, frozen=True):
    """The secrets of a merge: those that ``theirs`` changed, None if deleted, and what contradicts."""

    changed: Mapping[FieldPath, Secret | None]
    conflicts: tuple[str, ...]


def merge_secret_changes(base: MergeSide, ours: MergeSide, theirs: MergeSide) -> SecretMerge:
    """Return the secrets of ``theirs`` that ``ours`` must take over, and the conflicts."""
    changed: dict[FieldPath, Secret | None] = {}
    conflicts = []
    for path in dict.fromkeys((*base.secrets, *ours.secrets, *theirs.secrets)):
        before, left, right = (side.secrets.get(path) for side in (base, ours, theirs))
        if right in (before, left):
            continue
        if left == before:
            changed[path] = right
        else:
            conflicts.append(f"{format_path(path)}: both sides changed it")
    for mover, setter in ((ours, theirs), (theirs, ours)):
        if _read_destination(mover) != _read_destination(base) and _has_new_secret(base, setter):
            conflicts.append("one side moved the destination, the other set a secret for the old one")
    return SecretMerge(changed, tuple(dict.fromkeys(conflicts)))


def compute_tree_changes(
    before: Mapping[FieldPath, Any], after: Mapping[FieldPath, Any]
) -> tuple[dict[FieldPath, Any], tuple[FieldPath, ...]]:
    """Return the leaves that are new or different in ``after``, and the paths that it does not have."""
    values = {path: leaf for path, leaf in after.items() if path not in before or before[path] != leaf}
    return values, tuple(path for path in before if path not in after)


def select_data_key_side(
    base: MergeSide, ours: MergeSide, theirs: MergeSide
) -> tuple[MergeSide, MergeSide] | None:
    """Return the side whose data key and recipients stay, and the other; None if both sides changed them."""
    changed = [side for side in (ours, theirs) if side.data_key_texts != base.data_key_texts]
    if len(changed) > 1 and ours.data_key_texts != theirs.data_key_texts:
        return None
    return (theirs, ours) if changed == [theirs] else (ours, theirs)


def _read_destination(side: MergeSide) -> object:
    subject = build_seal_subject(side.document)
    paths = select_sealed_paths(subject.address.kind, subject.type, subject.fields)
    return subject.address, subject.type, select_fields(subject.fields, paths)


def _has_new_secret(base: MergeSide, side: MergeSide) -> bool:
    secrets = {path: secret for path, secret in side.secrets.items() if path[1:] != (SEAL_FIELD,)}
    return any(base.secrets.get(path) != secret for path, secret in secrets.items())
