"""Writes secrets and seals of manifests: the seal is reviewed first, and a known data key is renewed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Final

from msgspec import Struct

from keyturn.files.discovery import SourceFile, find_manifests, load_file
from keyturn.git.file_history import read_file_versions
from keyturn.manifests.data_key import find_file_with_data_key, find_former_reader, parse_encrypted
from keyturn.manifests.seal import build_seal_subject
from keyturn.manifests.seal_review import SealReview, SealStatus, review_seal
from keyturn.manifests.sealing import SealerCache
from keyturn.manifests.writer import FileEdit, ManifestValue, ManifestWriter
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import FieldPath
from keyturn.model.secret import Secret
from keyturn.operations.setup.init_repository import create_manifest_writer
from keyturn.project.ci_events import reject_untrusted_event
from keyturn.project.project import Project
from keyturn.project.workspace_key import WORKSPACE_KEY_FOLDER
from keyturn.schema.definitions import SEAL_FIELD
from keyturn.sops.age_keys import AgeKeyring, find_age_keys
from keyturn.sops.native import Unsupported, decrypt_in_process
from keyturn.yamldoc.reader import Document, parse_document

_UNSEALED_STATUSES: Final = (SealStatus.NOT_ENCRYPTED, SealStatus.MISSING)


class WrittenSecret(Struct, frozen=True):
    """The file that was written, and what else happened to it, as sentences without a full stop.

    ``is_first_seal`` is true if no key holder had sealed the file before.
    """

    file: str
    notes: tuple[str, ...] = ()
    is_first_seal: bool = False


class SecretWriter:
    """Writes secrets into the manifests of a project with the keys of an environment.

    Raises DiagnosticError: KT031 for an untrusted event, and the errors of ``create_manifest_writer``.
    """

    def __init__(self, project: Project, environment: Mapping[str, str]) -> None:
        reject_untrusted_event(environment)
        self._project = project
        self._keyring: AgeKeyring = find_age_keys(environment)
        # A key command runs once: its output replaces it.
        self._environment = self._keyring.environment
        self._sealers = SealerCache(project, self._environment)
        self._files: ManifestWriter = create_manifest_writer(project, self._environment)

    def review_seal(self, source: SourceFile) -> SealReview:
        """Verify the seal of a file; raises DiagnosticError if the file cannot be decrypted."""
        return self._review_document(parse_document(source.data, source.relative))

    def find_equal_secrets(self, value: Secret, file: str) -> tuple[Document, ...]:
        """Return the other encrypted files with an equal secret, as far as an age key opens them."""
        return tuple(
            document
            for document in self._encrypted_files
            if document.file != file and "kind" in document.tree and self._has_secret(document, value)
        )

    def write_sealed(
        self, file: str, values: Mapping[FieldPath, ManifestValue], accept: Callable[[SealReview], None]
    ) -> WrittenSecret:
        """Write values and the seal of their destination.

        ``accept`` gets the review of the seal in the file and raises DiagnosticError to stop. The file
        gets a new data key first, if somebody else may know the old one.
        """
        notes: list[str] = []
        statuses: list[SealStatus] = []

        def compute_edit(document: Document) -> FileEdit:
            review = self._review_document(document)
            accept(review)
            statuses.append(review.status)
            reason = self._explain_renewal(document, review.status)
            notes.extend([f"the file has a new data key: {reason}"] if reason else ())
            if review.status in _UNSEALED_STATUSES:
                notes.append(f"sealed for {'; '.join(review.destination) or 'no destination'}")
            sealer = self._sealers.find_sealer(document.file)
            seal: ManifestValue = sealer.compute_seal(build_seal_subject(document))
            return FileEdit({**values, ("secrets", SEAL_FIELD): seal}, renew_data_key=bool(reason))

        self._files.edit_file(file, compute_edit)
        return WrittenSecret(file, tuple(notes), is_first_seal=statuses[-1] in _UNSEALED_STATUSES)

    def _review_document(self, document: Document) -> SealReview:
        return review_seal(
            document,
            self._sealers.find_sealer(document.file),
            self._files.read_secret,
            lambda: self._read_versions(document.file),
        )

    def _explain_renewal(self, document: Document, status: SealStatus) -> str:
        if status is SealStatus.NOT_ENCRYPTED:
            return ""
        if status is not SealStatus.VALID:
            return "it had no valid seal"
        if other := find_file_with_data_key(document, self._encrypted_files, self._keyring):
            return f"{other} has the same one"
        versions = parse_encrypted(self._read_versions(document.file))
        reader = find_former_reader(document, versions, self._keyring)
        return f"{reader}, a former recipient, knows the old one" if reader else ""

    def _read_versions(self, file: str) -> tuple[SourceFile, ...]:
        return read_file_versions(self._project.root, file, self._environment)

    def _has_secret(self, document: Document, value: Secret) -> bool:
        opened = decrypt_in_process(document, self._keyring)
        return not isinstance(opened, Unsupported) and value in opened.values()

    @cached_property
    def _encrypted_files(self) -> tuple[Document, ...]:
        root, workspaces = self._project.root, self._project.workspaces.values()
        folders = dict.fromkeys(folder for each in workspaces for folder in each.manifests)
        sources = list(find_manifests(root, (*folders, WORKSPACE_KEY_FOLDER)).sources)
        with suppress(DiagnosticError):
            sources.append(load_file(root, self._project.fingerprint_key))
        return tuple(parse_encrypted(sources))
