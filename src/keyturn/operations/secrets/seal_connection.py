"""Seal a connection: approve that its credential is used at its destination."""

from collections.abc import Mapping

from keyturn.files.discovery import SourceFile, find_manifests, manifest_name
from keyturn.git.file_history import read_file_versions
from keyturn.manifests.connection_seal import has_same_destination, sign_connection, write_connection_seal
from keyturn.manifests.loader import validate_file
from keyturn.manifests.manifest import build_manifest
from keyturn.manifests.seal_review import SealReview, review_connection_seal
from keyturn.manifests.sealing import SealerCache
from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.model.resource import DesiredResource
from keyturn.operations.setup.workspace_keys import describe_author
from keyturn.project.project import Project, find_file_workspace
from keyturn.project.workspace_key import SealAuthor, load_workspace_key
from keyturn.trust.signing import SigningKey
from keyturn.yamldoc.reader import parse_document


def seal_first_users(project: Project, file: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Seal the connections that use a credential and that git knows with no other destination.

    Returns a sentence for each, with its destination. Does nothing in a workspace without a key. Raises
    DiagnosticError as ``ConnectionSealer`` does.
    """
    workspace = find_file_workspace(project, file)
    if workspace is None or load_workspace_key(project, workspace, environment) is None:
        return ()
    credential = Address("credential", manifest_name(file))
    sealer, author = ConnectionSealer(project, environment), describe_author(project.root, environment)
    notes = []
    for source in find_manifests(project.root, workspace.manifests).sources:
        connection = _build_connection(source)
        if connection is None or connection.seal or credential not in connection.fields.values():
            continue
        review = sealer.review_seal(source)
        if not review.moves and not sealer.has_other_version(source, connection):
            sealer.write_seal(source, author)
            notes.append(f"sealed {connection.address} for {'; '.join(review.destination)}")
    return tuple(notes)


def _build_connection(source: SourceFile) -> DesiredResource | None:
    try:
        document = parse_document(source.data, source.relative)
        if document.tree.get("kind") != "connection":
            return None
        return build_manifest(source, document).desired
    except (DiagnosticError, KeyError, TypeError, AttributeError):
        return None  # `validate` reports an invalid manifest


class ConnectionSealer:
    """Seals connections of a project with the keys of an environment.

    Raises DiagnosticError: KT262 for a workspace without a key, and the errors of the key.
    """

    def __init__(self, project: Project, environment: Mapping[str, str]) -> None:
        self._project, self._environment = project, environment
        self._sealers = SealerCache(project, environment)

    def review_seal(self, source: SourceFile) -> SealReview:
        """Verify the seal of a connection, and compare it with the last sealed version in git.

        Raises DiagnosticError also for a manifest that is not valid.
        """
        validation = validate_file(source, self._project.policy)
        if not validation.matches_schema:
            raise DiagnosticError(*validation.diagnostics)
        workspace, key = self._open_key(source)
        versions = read_file_versions(self._project.root, source.relative, self._environment)
        return review_connection_seal(source, workspace, key.public_key, versions)

    def has_other_version(self, source: SourceFile, connection: DesiredResource) -> bool:
        """Tell whether a committed version has another destination or another credential."""
        before = map(
            _build_connection, read_file_versions(self._project.root, source.relative, self._environment)
        )
        return any(each is not None and not has_same_destination(each, connection) for each in before)

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
