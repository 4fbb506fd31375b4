"""Writing a secret of a manifest, and binding it to its destination again."""

from collections.abc import Mapping

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.secret import Secret
from keyturn.engine.founding import writer
from keyturn.load.definitions import SEAL
from keyturn.load.files import Source, survey
from keyturn.load.nodes import read
from keyturn.load.project import Project
from keyturn.load.seal import seal_of


def set_field(project: Project, name: str, field: str, value: Secret, environment: Mapping[str, str]) -> str:
    """Set a secret field of a credential and its seal; return the file. Raises Faulty."""
    source = manifest_of(project, name)
    seal = Secret(seal_of(read(source.data, source.relative)))
    values = {("secrets", *field.split(".")): value, ("secrets", SEAL): seal}
    return writer(project, environment).set_values(source.relative, values).relative


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
