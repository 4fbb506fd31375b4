"""A manifest as a commit holds it, opened: the one place where a secret that was replaced still is."""

from collections.abc import Mapping

from keyturn.core.diagnostic import DiagnosticError, Severity
from keyturn.core.resource import DesiredResource
from keyturn.load.decrypt import decrypt_document, decryptor_for
from keyturn.load.manifest import build_manifest
from keyturn.load.nodes import parse_document
from keyturn.load.project import Project
from keyturn.load.revision import Revision
from keyturn.load.seal import verify_secrets, missing_seal_severity


def decrypt_manifest_at(project: Project, file: str, commit: str, environment: Mapping[str, str]) -> DesiredResource:
    """Return the manifest that ``commit`` holds at ``file``, its secrets opened and its seal verified.

    Raises Faulty where the commit, the file in it, or the key that opens it is out of reach.
    """
    source = Revision(project.root, commit, environment).read_file(file)
    document = parse_document(source.data, source.relative)
    sealed = build_manifest(source, document).desired
    opened = decrypt_document(document, decryptor_for(environment, project.policy, project.decryptor))
    below = {path[1:]: secret for path, secret in opened.items() if path[0] == "secrets"}
    whole, wrong = verify_secrets(sealed, below, missing_seal_severity(project.policy))
    errors = [finding for finding in wrong if finding.severity is Severity.ERROR]
    if errors:
        raise DiagnosticError(*errors)
    return whole
