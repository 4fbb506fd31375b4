"""Set a secret of a credential manifest, and compute its seal."""

from collections.abc import Mapping

from keyturn.files.discovery import SourceFile, find_manifests
from keyturn.manifests.seal import compute_document_seal
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, suggest_nearest
from keyturn.model.secret import Secret
from keyturn.operations.init_repository import create_manifest_writer
from keyturn.project.project import Project
from keyturn.schema.definitions import SEAL_FIELD, parse_secret_path, secret_fields
from keyturn.yamldoc.reader import parse_document


def set_secret(project: Project, name: str, field: str, value: Secret, environment: Mapping[str, str]) -> str:
    """Set a secret field of a credential and update the seal; return the file.

    ``field`` is a name of the schema, ``key_NAME`` or ``headers.NAME``. Raises DiagnosticError: KT041
    for an unknown credential, KT043 for a field that its type does not have.
    """
    source = find_credential_file(project, name)
    document = parse_document(source.data, source.relative)
    _reject_unknown_field(field, str(document.tree.get("type")), source.relative)
    values = {
        ("secrets", *parse_secret_path(field)): value,
        ("secrets", SEAL_FIELD): Secret(compute_document_seal(document)),
    }
    return create_manifest_writer(project, environment).update_file(source.relative, values).relative


def list_secret_fields(project: Project, name: str) -> tuple[str, ...]:
    """Return the secret fields that a credential may have, those of its manifest first.

    Nothing is decrypted. Raises DiagnosticError if the manifest is missing or unreadable.
    """
    source = find_credential_file(project, name)
    tree = parse_document(source.data, source.relative).tree
    secrets, keep = tree.get("secrets"), tree.get("keep")
    stated = [*(secrets if isinstance(secrets, Mapping) else ()), *(keep if isinstance(keep, list) else ())]
    known = secret_fields("credential", str(tree.get("type")))
    return tuple(dict.fromkeys(str(each) for each in (*stated, *known) if each != SEAL_FIELD))


def _reject_unknown_field(field: str, type_: str, file: str) -> None:
    known = secret_fields("credential", type_)
    if not known or parse_secret_path(field)[0] in known or (type_ == "api_key" and field.startswith("key_")):
        return
    raise DiagnosticError(
        Diagnostic(
            code="KT043",
            severity=Severity.ERROR,
            message=f"a credential of type {type_} has no secret field {field}",
            origin=SourceLocation(file),
            hint=suggest_nearest(field, known),
        )
    )


def reseal_credential(project: Project, name: str, environment: Mapping[str, str]) -> str:
    """Write the seal for the current destination of a credential; return the file. Raises DiagnosticError."""
    source = find_credential_file(project, name)
    seal = Secret(compute_document_seal(parse_document(source.data, source.relative)))
    return (
        create_manifest_writer(project, environment)
        .update_file(source.relative, {("secrets", SEAL_FIELD): seal})
        .relative
    )


def find_credential_file(project: Project, name: str) -> SourceFile:
    """Return the file of a credential by its name or path; raises DiagnosticError KT041."""
    folders = [folder for workspace in project.workspaces.values() for folder in workspace.manifests]
    for source in find_manifests(project.root, folders).sources:
        stem = source.relative.rpartition("/")[2].rpartition(".")[0]
        if (
            name in {stem, source.relative}
            and parse_document(source.data, source.relative).tree.get("kind") == "credential"
        ):
            return source
    raise DiagnosticError(
        Diagnostic(
            code="KT041",
            severity=Severity.ERROR,
            message=f"there is no credential {name}",
            origin=SourceLocation("keyturn.yaml"),
            hint="use the name of its file without .yaml",
        )
    )
