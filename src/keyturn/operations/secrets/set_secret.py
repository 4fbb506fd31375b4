"""Set a secret of a credential manifest, and seal it for its destination."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from msgspec.structs import replace

from keyturn.files.discovery import SourceFile, find_manifests, manifest_name
from keyturn.manifests.seal_review import SealReview, list_destination, reject_broken_seal
from keyturn.manifests.writer import ManifestValue
from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, error_diagnostic, suggest_nearest
from keyturn.model.fields import FieldPath
from keyturn.model.resource import EMPTY
from keyturn.model.secret import Secret
from keyturn.operations.secrets.seal_connection import seal_first_users
from keyturn.operations.secrets.secret_writer import SecretWriter, WrittenSecret
from keyturn.policy.resource_view import ResourceView, Waiver
from keyturn.policy.rule import RuleContext
from keyturn.policy.runner import run_single_secret_rules
from keyturn.policy.settings import resolve_severity
from keyturn.project.project import PROJECT_FILE, Project
from keyturn.schema.definitions import SEAL_FIELD, parse_secret_path, secret_fields, walk_config_leaves
from keyturn.yamldoc.reader import Document, parse_document


def set_secret(
    project: Project,
    name: str,
    field: str,
    value: Secret,
    environment: Mapping[str, str],
    *,
    same_as: Collection[str] = (),
) -> WrittenSecret:
    """Set a secret field of a credential and update the seal.

    ``field`` is a name of the schema, ``key_NAME`` or ``headers.NAME``. ``same_as`` names the resources
    that may have an equal secret. Raises DiagnosticError and leaves the file unchanged: KT041 for an
    unknown credential, KT043 for a field that its type does not have, KT251 if the destination changed
    after the last seal, KT362 for an equal secret of another destination.
    """
    source = find_credential_file(project, name)
    document = parse_document(source.data, source.relative)
    _reject_unknown_field(field, str(document.tree.get("type")), source.relative)
    writer = SecretWriter(project, environment)
    # Two credentials of one account at one host have the same secret.
    destination = list_destination(document)
    equal = [
        each
        for each in writer.find_equal_secrets(value, source.relative)
        if list_destination(each) != destination
    ]
    _reject_equal_secret(project, source.relative, equal, same_as)
    values: dict[FieldPath, ManifestValue] = {("secrets", *parse_secret_path(field)): value}
    written = writer.write_sealed(source.relative, values, reject_broken_seal)
    if not written.is_first_seal:
        return written
    # Who makes a credential known seals those who use it from the start, and reads where they lead.
    sealed = seal_first_users(project, source.relative, environment)
    return replace(written, notes=(*written.notes, *sealed))


def _reject_equal_secret(
    project: Project, file: str, equal: Collection[Document], same_as: Collection[str]
) -> None:
    severity = resolve_severity(project.policy, "KT362", file, Severity.NOTE)
    unnamed = [each for each in equal if {manifest_name(each.file), each.file}.isdisjoint(same_as)]
    if severity is None or not unnamed:
        return
    other = unnamed[0]
    address = f"{other.tree.get('kind')}/{manifest_name(other.file)}"
    hint = f"use another value; if both must have the same one, pass --same-as {manifest_name(other.file)}"
    message = f"{address} ({other.file}) already has this secret; the file is unchanged"
    raise DiagnosticError(error_diagnostic("KT362", SourceLocation(file), message, hint))


def list_secret_fields(project: Project, name: str, workspace: str = "") -> tuple[str, ...]:
    """Return the secret fields that a credential may have, those of its manifest first.

    Nothing is decrypted. Raises DiagnosticError if the manifest is missing or unreadable.
    """
    source = find_credential_file(project, name, workspace)
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


def review_seals(
    project: Project, files: Iterable[str], environment: Mapping[str, str]
) -> tuple[SealReview, ...]:
    """Verify the seals of credentials; raises DiagnosticError, for example without a key."""
    writer = SecretWriter(project, environment)
    return tuple(writer.review_seal(find_credential_file(project, file)) for file in files)


def reseal_credential(
    project: Project, name: str, environment: Mapping[str, str], *, reason: str = ""
) -> WrittenSecret:
    """Write the seal for the current destination of a credential.

    ``reason`` is why the destination changed. Raises DiagnosticError: KT251 if it changed after the
    last seal and there is no reason.
    """
    file = find_credential_file(project, name).relative
    return SecretWriter(project, environment).write_sealed(
        file, {}, (lambda _: None) if reason else reject_broken_seal
    )


def find_credential_file(project: Project, name: str, workspace: str = "") -> SourceFile:
    """Return the file of a credential by its name or path, of one workspace if it is named.

    Raises DiagnosticError as ``find_resource_file``.
    """
    return find_resource_file(project, "credential", name, workspace)


def find_resource_file(project: Project, kind: str, name: str, workspace: str = "") -> SourceFile:
    """Return the file of a resource by its name or path, of one workspace if it is named.

    Raises DiagnosticError: KT041 for an unknown resource, KT005 if several files match.
    """
    chosen = (project.find_workspace(workspace),) if workspace else project.workspaces.values()
    found = {
        source.relative: source
        for each in chosen
        for source in find_manifests(project.root, each.manifests).sources
        if _is_resource(source, kind, name)
    }
    if len(found) == 1:
        return next(iter(found.values()))
    project_file = SourceLocation(PROJECT_FILE)
    if found:
        message = f"several {kind}s are named {name}: {', '.join(found)}"
        hint = "name one by its path, or its workspace with --workspace"
        raise DiagnosticError(error_diagnostic("KT005", project_file, message, hint))
    message = f"there is no {kind} {name}" + (f" in workspace {workspace}" if workspace else "")
    hint = "use the name of its file without .yaml"
    raise DiagnosticError(error_diagnostic("KT041", project_file, message, hint))


def _is_resource(source: SourceFile, kind: str, name: str) -> bool:
    if name not in {manifest_name(source.relative), source.relative}:
        return False
    return parse_document(source.data, source.relative).tree.get("kind") == kind


def check_secret_value(
    project: Project, source: SourceFile, field: str, value: Secret, today: date
) -> tuple[Diagnostic, ...]:
    """Check a new value by the policy rules about single secrets; return the warnings.

    Raises DiagnosticError with the findings if one is an error.
    """
    tree = parse_document(source.data, source.relative).tree
    view = ResourceView(
        address=Address("credential", manifest_name(source.relative)),
        type=str(tree.get("type")),
        file=source.relative,
        config=dict(walk_config_leaves(tree.get("config") or EMPTY)),
        waivers=tuple(
            Waiver(str(each.get("rule")), str(each.get("reason")), ("waive",))
            for each in tree.get("waive") or ()
            if isinstance(each, Mapping)
        ),
    )
    secrets = {source.relative: {parse_secret_path(field): value}}
    context = RuleContext(today=today, complete=False, secrets=secrets)
    found = tuple(
        each
        for each in run_single_secret_rules(view, project.policy, context)
        if each.severity <= Severity.WARNING
    )
    if any(each.severity is Severity.ERROR for each in found):
        raise DiagnosticError(*found)
    return found
