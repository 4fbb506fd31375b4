"""A manifest as a commit holds it, opened: the one place where a secret that was replaced still is."""

from collections.abc import Mapping

from keyturn.core.diagnostic import Faulty, Severity
from keyturn.core.resource import Desired
from keyturn.load.decrypt import open_one, opener
from keyturn.load.manifest import build_manifest
from keyturn.load.nodes import read
from keyturn.load.project import Project
from keyturn.load.revision import Revision
from keyturn.load.seal import verified, weight


def as_committed(project: Project, file: str, commit: str, environment: Mapping[str, str]) -> Desired:
    """Return the manifest that ``commit`` holds at ``file``, its secrets opened and its seal verified.

    Raises Faulty where the commit, the file in it, or the key that opens it is out of reach.
    """
    source = Revision(project.root, commit, environment).read(file)
    document = read(source.data, source.relative)
    sealed = build_manifest(source, document).desired
    opened = open_one(document, opener(environment, project.policy, project.decryptor))
    below = {path[1:]: secret for path, secret in opened.items() if path[0] == "secrets"}
    whole, wrong = verified(sealed, below, weight(project.policy))
    errors = [finding for finding in wrong if finding.severity is Severity.ERROR]
    if errors:
        raise Faulty(*errors)
    return whole
