"""Writing a secret of a manifest, and binding it to its destination again."""

from collections.abc import Mapping

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.secret import Secret
from keyturn.engine.founding import writer
from keyturn.load.definitions import SEAL, kept, secret_fields
from keyturn.load.files import Source, survey
from keyturn.load.nodes import read
from keyturn.load.project import Project
from keyturn.load.seal import seal_of
from keyturn.policy.reading import closest


def set_field(project: Project, name: str, field: str, value: Secret, environment: Mapping[str, str]) -> str:
    """Set a secret field of a credential and its seal; return the file.

    ``field`` is a name of the schema, ``key_NAME`` or ``headers.NAME``. Raises Faulty, KT043 for a
    field that the credential's type does not have.
    """
    source = manifest_of(project, name)
    document = read(source.data, source.relative)
    _refuse_unknown(field, str(document.tree.get("type")), source.relative)
    values = {("secrets", *kept(field)): value, ("secrets", SEAL): Secret(seal_of(document))}
    return writer(project, environment).set_values(source.relative, values).relative


def fields_of(project: Project, name: str) -> tuple[str, ...]:
    """Return the secret fields that a credential may have: those that its manifest states come first.

    Nothing is decrypted; raises Faulty where there is no such manifest, or it cannot be read.
    """
    source = manifest_of(project, name)
    tree = read(source.data, source.relative).tree
    secrets, keep = tree.get("secrets"), tree.get("keep")
    stated = [*(secrets if isinstance(secrets, Mapping) else ()), *(keep if isinstance(keep, list) else ())]
    known = secret_fields("credential", str(tree.get("type")))
    return tuple(dict.fromkeys(str(each) for each in (*stated, *known) if each != SEAL))


def _refuse_unknown(field: str, type_: str, file: str) -> None:
    known = secret_fields("credential", type_)
    if not known or kept(field)[0] in known or (type_ == "api_key" and field.startswith("key_")):
        return
    raise Faulty(
        Diagnostic(
            code="KT043",
            severity=Severity.ERROR,
            message=f"a credential of type {type_} has no secret field {field}",
            origin=Origin(file),
            hint=closest(field, known),
        )
    )


def seal_again(project: Project, name: str, environment: Mapping[str, str]) -> str:
    """Write the seal that a credential's destination asks for now; return the file. Raises Faulty."""
    source = manifest_of(project, name)
    seal = Secret(seal_of(read(source.data, source.relative)))
    return writer(project, environment).set_values(source.relative, {("secrets", SEAL): seal}).relative


def manifest_of(project: Project, name: str) -> Source:
    """Return the file of a credential by its name or path; raises Faulty KT041."""
    folders = [folder for workspace in project.workspaces.values() for folder in workspace.manifests]
    for source in survey(project.root, folders).sources:
        stem = source.relative.rpartition("/")[2].rpartition(".")[0]
        if (
            name in {stem, source.relative}
            and read(source.data, source.relative).tree.get("kind") == "credential"
        ):
            return source
    raise Faulty(
        Diagnostic(
            code="KT041",
            severity=Severity.ERROR,
            message=f"there is no credential {name}",
            origin=Origin("keyturn.yaml"),
            hint="name it as its file is named, without .yaml",
        )
    )
