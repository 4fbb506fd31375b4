"""The seal of a connection: a readable, signed statement that its credential may be used at its destination.

A connection has no secrets of its own, so its seal is the mapping ``seal`` in plain text. The signature
covers kind, name, type, every destination field, every reference, the number and the author of the seal.
Everybody can verify it with the public key of the workspace.
"""

from collections.abc import Mapping
from typing import Any, Final

from keyturn.files.atomic_write import lock_for_writing
from keyturn.files.discovery import SourceFile
from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath
from keyturn.model.resource import DesiredResource
from keyturn.model.seal import compute_seal, select_fields
from keyturn.project.workspace_key import SealAuthor
from keyturn.schema.definitions import select_sealed_paths
from keyturn.trust.signing import PublicKey, SigningKey
from keyturn.yamldoc.reader import Document, parse_document
from keyturn.yamldoc.scalars import emit_block

CONNECTION_SEAL_KEY: Final = "seal"
"""The key of the seal in a manifest."""

_SEAL_TYPE: Final = "keyturn/connection/1"


def sign_connection(
    connection: DesiredResource, workspace: str, key: SigningKey, author: SealAuthor
) -> dict[str, Any]:
    """Return the seal of a connection; its number follows that of the seal in the manifest."""
    number = connection.seal.get("serial")
    seal: dict[str, Any] = {
        "serial": number + 1 if isinstance(number, int) else 1,
        "by": author.by,
        "at": author.at,
    }
    if author.reason:
        seal["reason"] = author.reason
    signature = key.sign(_SEAL_TYPE, _build_sealed_value(connection, workspace, seal))
    return {**seal, "signature": signature}


def is_sealed_connection(connection: DesiredResource, workspace: str, key: PublicKey) -> bool:
    """Tell whether a manifest has a valid seal for what it says now."""
    seal = {name: value for name, value in connection.seal.items() if name != "signature"}
    value = _build_sealed_value(connection, workspace, seal)
    return bool(seal) and key.is_signature(connection.seal.get("signature"), _SEAL_TYPE, value)


def list_sealed_paths(connection: DesiredResource) -> tuple[FieldPath, ...]:
    """Return the paths that a seal covers, sorted: destinations, identities and references."""
    address, fields = connection.address, connection.fields
    references = {path for path, leaf in fields.items() if isinstance(leaf, Address)}
    return tuple(sorted(references.union(select_sealed_paths(address.kind, connection.type, fields))))


def has_same_destination(connection: DesiredResource, other: DesiredResource) -> bool:
    """Tell whether two manifests agree in all that a seal covers."""
    fields, others = connection.fields, other.fields
    return (connection.address, connection.type) == (other.address, other.type) and select_fields(
        fields, list_sealed_paths(connection)
    ) == select_fields(others, list_sealed_paths(other))


def write_connection_seal(source: SourceFile, seal: Mapping[str, Any]) -> None:
    """Write the seal at the end of a manifest, or replace it; all other lines stay.

    Raises DiagnosticError: KT226 if the file changed meanwhile, KT225 if the seal has no lines of its own.
    """
    with lock_for_writing(source.root, source.relative) as target:
        document = parse_document(source.data, source.relative)
        ending = "\r\n" if "\r\n" in document.text else "\n"
        text = _remove_seal_lines(document)
        text += "" if text.endswith("\n") else ending
        text += emit_block({CONNECTION_SEAL_KEY: dict(seal)}).replace("\n", ending)
        if not _is_expected(document, text, seal):
            message = "the seal has no place for lines of its own; the file is unchanged"
            hint = "write each key of the manifest on a line of its own"
            where = document.find_location((CONNECTION_SEAL_KEY,))
            raise DiagnosticError(error_diagnostic("KT225", where, message, hint))
        target.replace(text.encode(), source.digest)


def _remove_seal_lines(document: Document) -> str:
    # Whether the lines belong to the seal alone is checked afterwards, by comparing the trees.
    lines = document.text.split("\n")
    spans = [span for path, span in document.spans.items() if path[:1] == (CONNECTION_SEAL_KEY,)]
    if spans:
        first = min(span.key_line for span in spans if span.key_line)
        del lines[first - 1 : max(max(span.line, span.end_line) for span in spans)]
    return "\n".join(lines)


def _is_expected(before: Document, text: str, seal: Mapping[str, Any]) -> bool:
    try:
        after = parse_document(text.encode(), before.file)
    except DiagnosticError:
        return False
    return after.tree == {**before.tree, CONNECTION_SEAL_KEY: dict(seal)}


def _build_sealed_value(
    connection: DesiredResource, workspace: str, seal: Mapping[str, Any]
) -> dict[str, Any]:
    address, fields = connection.address, connection.fields
    covered = select_fields(fields, list_sealed_paths(connection))
    digest = compute_seal(address.kind, address.name, connection.type, covered)
    return {"workspace": workspace, "digest": digest, "seal": dict(seal)}
