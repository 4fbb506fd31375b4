"""Merge two versions of a manifest: plain parts as text, secrets by key, with a valid MAC."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from keyturn.git.text_merge import merge_texts
from keyturn.manifests.three_way import (
    MergeSide,
    compute_tree_changes,
    merge_secret_changes,
    select_data_key_side,
)
from keyturn.manifests.writer import FileEdit, ManifestValue, ManifestWriter, is_equivalent
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import FieldPath, flatten_tree
from keyturn.operations.setup.init_repository import create_manifest_writer
from keyturn.project.project import Project, open_project
from keyturn.sops.checks import SECRETS_BLOCK
from keyturn.sops.decrypt import decrypt_document
from keyturn.yamldoc.edit import split_blocks
from keyturn.yamldoc.reader import Document, parse_document

_ENCRYPTED_BLOCKS = (SECRETS_BLOCK, "sops")


class MergeVersions(Struct, frozen=True):
    """The three versions of a file; ``base`` is empty for a file that both sides added."""

    base: bytes
    ours: bytes
    theirs: bytes


class MergedManifest(Struct, frozen=True):
    """The merged text, which has conflict markers if there are ``conflicts``."""

    text: str
    conflicts: tuple[str, ...] = ()


def merge_manifest(
    folder: Path, file: Path, versions: MergeVersions, environment: Mapping[str, str]
) -> MergedManifest:
    """Merge the versions of a manifest of the project around ``folder``; no file is written.

    Files without secrets are merged as text. Without a key and for contradicting changes, the result is
    the text merge of git, with markers. Raises OSError if git cannot be run.
    """
    conflicts: tuple[str, ...]
    try:
        project = open_project(folder)
        relative = file.relative_to(project.root) if file.is_relative_to(project.root) else file
        merged = _merge_encrypted(project, relative.as_posix(), versions, environment)
    except DiagnosticError as error:
        merged, conflicts = None, tuple(each.message for each in error.diagnostics)
    else:
        conflicts = merged.conflicts if merged else ()
        if merged and not conflicts:
            return merged
    base, ours, theirs = (
        each.decode("utf-8", "replace") for each in (versions.base, versions.ours, versions.theirs)
    )
    text, has_markers = merge_texts(base, ours, theirs, environment)
    if has_markers and not conflicts:
        conflicts = ("both sides changed the same lines",)
    return MergedManifest(text, conflicts)


def _merge_encrypted(
    project: Project, file: str, versions: MergeVersions, environment: Mapping[str, str]
) -> MergedManifest | None:
    datas = (versions.base, versions.ours, versions.theirs)
    if not all(b"sops" in data for data in datas):
        return None
    documents = [parse_document(data, file) for data in datas]
    if not all("sops" in document.tree for document in documents):
        return None
    writer = create_manifest_writer(project, environment)
    base, ours, theirs = (
        MergeSide(document, dict(decrypt_document(document, writer.decryptor))) for document in documents
    )
    sides = select_data_key_side(base, ours, theirs)
    if sides is None:
        return MergedManifest("", ("both sides changed the recipients or the data key",))
    secrets = merge_secret_changes(base, *sides)
    before, left, right = (_read_plain_part(each) for each in documents)
    plain, has_markers = merge_texts(before, left, right, environment)
    if secrets.conflicts or has_markers:
        lines = ("both sides changed the same lines",) if has_markers else ()
        return MergedManifest("", (*secrets.conflicts, *lines))
    return MergedManifest(_write_merge(writer, sides[0].document, plain, secrets.changed))


def _write_merge(
    writer: ManifestWriter, kept: Document, plain: str, secrets: Mapping[FieldPath, ManifestValue]
) -> str:
    before = flatten_tree({key: leaf for key, leaf in kept.tree.items() if key not in _ENCRYPTED_BLOCKS})
    values, removed = compute_tree_changes(
        before, flatten_tree(parse_document(plain.encode(), kept.file).tree)
    )
    values |= {path: value for path, value in secrets.items() if value is not None}
    deleted = tuple(path for path, value in secrets.items() if value is None)
    text = kept.text
    if values or removed or deleted:
        text = writer.edit_document(kept, FileEdit(values, (*removed, *deleted)))
    # The merged text has the comments of both sides; the written one has those of one side.
    written = parse_document(text.encode(), kept.file)
    assembled = plain + split_blocks(written, _ENCRYPTED_BLOCKS)[1]
    return assembled if is_equivalent(assembled, written) else text


def _read_plain_part(document: Document) -> str:
    return split_blocks(document, _ENCRYPTED_BLOCKS)[0]
