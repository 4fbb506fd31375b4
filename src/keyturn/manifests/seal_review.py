"""The review of a seal before a write: whether it holds, and what changed since the last sealed version."""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import SourceFile
from keyturn.manifests.connection_seal import is_sealed_connection, list_sealed_paths
from keyturn.manifests.manifest import build_manifest
from keyturn.manifests.seal import Sealer, SealSubject, build_seal_subject
from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath, format_path
from keyturn.model.resource import DesiredResource
from keyturn.model.seal import select_fields
from keyturn.model.secret import Secret
from keyturn.model.secret_detection import may_be_secret
from keyturn.schema.definitions import SEAL_FIELD, select_sealed_paths
from keyturn.trust.signing import PublicKey
from keyturn.yamldoc.reader import Document, parse_document

_IDENTITY: Final = ("kind", "name", "type")


class SealStatus(Enum):
    """The seal of a file: not encrypted, without a seal, with one that matches, or does not.

    UNSIGNED is a digest in a workspace with a key: everybody can compute it.
    """

    NOT_ENCRYPTED = "not encrypted"
    MISSING = "missing"
    VALID = "valid"
    UNSIGNED = "unsigned"
    BROKEN = "broken"


class SealReview(Struct, frozen=True, kw_only=True):
    """The status of a seal; ``destination`` has a line for each sealed field, ``moves`` for each changed one.

    ``moves`` compare the file with the last committed version that its seal matches.
    """

    address: Address
    file: str
    status: SealStatus
    destination: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()


def review_seal(
    document: Document,
    sealer: Sealer,
    read_secret: Callable[[Document, FieldPath], Secret],
    read_versions: Callable[[], Iterable[SourceFile]],
) -> SealReview:
    """Verify the seal of a file.

    ``read_secret`` decrypts one value; ``read_versions`` returns the committed versions, newest first.
    Raises DiagnosticError if the file cannot be decrypted or its MAC does not match.
    """
    subject = build_seal_subject(document)
    after = _list_sealed_values(subject)
    review = SealReview(
        address=subject.address,
        file=document.file,
        status=SealStatus.VALID,
        destination=list_destination(document),
    )
    secrets = document.tree.get("secrets")
    if "sops" not in document.tree:
        return replace(review, status=SealStatus.NOT_ENCRYPTED)
    if not isinstance(secrets, Mapping) or SEAL_FIELD not in secrets:
        before = _find_version_with_seal(read_versions())
        moves = _list_moves(_list_sealed_values(before), after) if before else ()
        # A removed seal is no first seal: who removed it may have moved the destination.
        return replace(review, status=SealStatus.BROKEN if moves else SealStatus.MISSING, moves=moves)
    seal = read_secret(document, ("secrets", SEAL_FIELD))
    if seal == sealer.compute_seal(subject):
        return review
    if seal == Sealer().compute_seal(subject):
        return replace(review, status=SealStatus.UNSIGNED)
    before = _find_sealed_version(seal, sealer, read_versions())
    moves = _list_moves(_list_sealed_values(before), after) if before else ()
    return replace(review, status=SealStatus.BROKEN, moves=moves)


def review_connection_seal(
    source: SourceFile, workspace: str, key: PublicKey, versions: Iterable[SourceFile]
) -> SealReview:
    """Verify the seal of a connection; ``versions`` are the committed versions, newest first."""
    document = parse_document(source.data, source.relative)
    connection = build_manifest(source, document).desired
    after = _list_connection_values(connection)
    review = SealReview(
        address=connection.address,
        file=source.relative,
        status=SealStatus.VALID,
        destination=tuple(f"{name}: {value}" for name, value in after.items() if name not in _IDENTITY),
    )
    if is_sealed_connection(connection, workspace, key):
        return review
    for version in versions:
        before = _build_version(version)
        if before is not None and is_sealed_connection(before, workspace, key):
            moves = _list_moves(_list_connection_values(before), after)
            return replace(review, status=SealStatus.BROKEN, moves=moves)
    return replace(review, status=SealStatus.BROKEN if connection.seal else SealStatus.MISSING)


def list_destination(document: Document) -> tuple[str, ...]:
    """Return a line for each field that says where the secrets of a manifest go, and as whom."""
    values = _list_sealed_values(build_seal_subject(document))
    return tuple(f"{name}: {value}" for name, value in values.items() if name.startswith("config."))


def reject_broken_seal(review: SealReview) -> None:
    """Raise KT251 if the destination changed after the last seal, or the seal is not signed."""
    if review.status in (SealStatus.BROKEN, SealStatus.UNSIGNED):
        raise DiagnosticError(build_broken_seal_error(review))


def build_broken_seal_error(review: SealReview) -> Diagnostic:
    """Return KT251 with the changes since the last sealed version, in plain words."""
    if review.status is SealStatus.UNSIGNED:
        shown = "; ".join(review.destination)
        text = f"the seal is not signed by the key of the workspace; the destination: {shown}"
    elif review.moves:
        changes = "; ".join(review.moves)
        text = f"the destination changed after the last seal: {changes}"
    else:
        shown = "; ".join(review.destination)
        text = f"the seal is for another destination or workspace, which is not in git history; now: {shown}"
    hint = (
        "restore the file from git; if the change is intended, run "
        f"`keyturn seal {_name_for_command(review.address)} --reason TEXT`"
    )
    origin = SourceLocation(review.file, 1, 1)
    return replace(
        error_diagnostic("KT251", origin, text, hint, cause=Cause.TAMPERING), address=review.address
    )


def _name_for_command(address: Address) -> str:
    return str(address) if address.kind == "connection" else address.name


def _find_sealed_version(seal: Secret, sealer: Sealer, versions: Iterable[SourceFile]) -> SealSubject | None:
    for version in versions:
        try:
            subject = build_seal_subject(parse_document(version.data, version.relative))
        except DiagnosticError:
            continue
        if seal == sealer.compute_seal(subject):
            return subject
    return None


def _find_version_with_seal(versions: Iterable[SourceFile]) -> SealSubject | None:
    for version in versions:
        try:
            document = parse_document(version.data, version.relative)
        except DiagnosticError:
            continue
        secrets = document.tree.get("secrets")
        if isinstance(secrets, Mapping) and SEAL_FIELD in secrets:
            return build_seal_subject(document)
    return None


def _build_version(version: SourceFile) -> DesiredResource | None:
    try:
        document = parse_document(version.data, version.relative)
        return build_manifest(version, document).desired
    except (DiagnosticError, KeyError, TypeError, AttributeError):
        return None  # an older version may be invalid


def _list_connection_values(connection: DesiredResource) -> dict[str, str]:
    address, fields = connection.address, connection.fields
    identity = {"kind": address.kind, "name": address.name, "type": connection.type}
    return identity | {
        format_path(path): _show_value(path, fields[path]) for path in list_sealed_paths(connection)
    }


def _list_sealed_values(subject: SealSubject) -> dict[str, str]:
    address = subject.address
    paths = select_sealed_paths(address.kind, subject.type, subject.fields)
    identity = {"kind": address.kind, "name": address.name, "type": subject.type}
    return identity | {
        format_path(path): _show_value(path, leaf)
        for path, leaf in select_fields(subject.fields, paths).items()
    }


def _show_value(path: FieldPath, leaf: Any) -> str:
    if any(may_be_secret(key, leaf) for key in path[1:]):
        return "(hidden)"
    return leaf if isinstance(leaf, str) else str(leaf) if isinstance(leaf, Address) else json.dumps(leaf)


def _list_moves(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{name}: {before.get(name, '(absent)')} → {after.get(name, '(absent)')}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    )
