"""Seal a connection: approve that its credential is used at its destination."""

from collections.abc import Mapping

from keyturn.files.discovery import SourceFile
from keyturn.git.file_history import read_file_versions
from keyturn.manifests.connection_seal import sign_connection, write_connection_seal
from keyturn.manifests.manifest import build_manifest
from keyturn.manifests.seal_review import SealReview, review_connection_seal
from keyturn.manifests.sealing import SealerCache
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.project.project import Project
from keyturn.project.workspace_key import SealAuthor
from keyturn.trust.signing import SigningKey
from keyturn.yamldoc.reader import parse_document


class ConnectionSealer:
    """Seals connections of a project with the keys of an environment.

    Raises DiagnosticError: KT262 for a workspace without a key, and the errors of the key.
    """

    def __init__(self, project: Project, environment: Mapping[str, str]) -> None:
        self._project, self._environment = project, environment
        self._sealers = SealerCache(project, environment)

    def review_seal(self, source: SourceFile) -> SealReview:
        """Verify the seal of a connection, and compare it with the last sealed version in git."""
        workspace, key = self._open_key(source)
        versions = read_file_versions(self._project.root, source.relative, self._environment)
        return review_connection_seal(source, workspace, key.public_key, versions)

    def write_seal(self, source: SourceFile, author: SealAuthor) -> None:
        """Write the seal for the manifest as it is; raises DiagnosticError as ``write_connection_seal``."""
        workspace, key = self._open_key(source)
        connection = build_manifest(source, parse_document(source.data, source.relative)).desired
        write_connection_seal(source, sign_connection(connection, workspace, key, author))

    def _open_key(self, source: SourceFile) -> tuple[str, SigningKey]:
        sealer = self._sealers.find_sealer(source.relative)
        if sealer.signing_key is None:
            message = "the workspace of this connection has no key, so nothing can be sealed"
            hint = "run `keyturn key create`"
            raise DiagnosticError(error_diagnostic("KT262", SourceLocation(source.relative), message, hint))
        return sealer.workspace, sealer.signing_key
