"""Decrypts manifests and verifies their seals."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as File
from typing import Final

from keyturn.files.discovery import load_file, reload_file
from keyturn.git.revision import Revision
from keyturn.manifests.manifest import build_manifest
from keyturn.manifests.seal import SealSubject, check_seal, resolve_seal_severity, verify_secrets
from keyturn.manifests.sealing import SealerCache
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.resource import DesiredResource
from keyturn.model.secret import Secret
from keyturn.project.keys import open_decryptor
from keyturn.project.project import Project
from keyturn.sops.decrypt import Decryptor, decrypt_document
from keyturn.yamldoc.reader import Document, parse_document

_BATCH_SIZE: Final = 256


def decrypt_manifests(
    desired: Iterable[DesiredResource], project: Project, environment: Mapping[str, str]
) -> tuple[DesiredResource, ...]:
    """Return the manifests with decrypted secrets and verified seals.

    Reads each file again and requires the same digest. ``environment`` provides the keys. Raises
    DiagnosticError with all errors; KT250 to KT299 are integrity errors. A missing seal is no error
    here if policy only warns: the loader reports it.
    """
    decryptor, sealers = open_decryptor(project, environment), SealerCache(project, environment)
    resources = tuple(desired)
    opened: list[DesiredResource] = []
    findings: list[Diagnostic] = []
    for start in range(0, len(resources), _BATCH_SIZE):
        verified, problems = _decrypt_batch(
            resources[start : start + _BATCH_SIZE], project, decryptor, sealers
        )
        opened.extend(verified)
        findings.extend(problems)
    if findings:
        raise DiagnosticError(*findings)
    return tuple(opened)


def check_seals_of_invalid(
    subjects: Sequence[SealSubject], project: Project, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return KT251 for each invalid manifest whose seal does not match."""
    documents = [
        parse_document(load_file(project.root, subject.origin.file).data, subject.origin.file)
        for subject in subjects
    ]
    decryptor, sealers = open_decryptor(project, environment), SealerCache(project, environment)
    return tuple(
        finding
        for subject, secrets in zip(subjects, decryptor(documents), strict=True)
        for finding in (
            secrets.diagnostics
            if isinstance(secrets, DiagnosticError)
            else check_seal(subject, _select_secrets(secrets), sealers.find_sealer(subject.origin.file))
        )
    )


def decrypt_manifest_at(
    project: Project, file: str, commit: str, environment: Mapping[str, str]
) -> DesiredResource:
    """Return the manifest ``file`` of ``commit`` with decrypted secrets and verified seal.

    Raises DiagnosticError if the commit, the file or the key is not available.
    """
    source = Revision(project.root, commit, environment).read_file(file)
    document = parse_document(source.data, source.relative)
    sealed = build_manifest(source, document).desired
    opened = decrypt_document(document, open_decryptor(project, environment))
    verified, problems = verify_secrets(
        sealed,
        _select_secrets(opened),
        resolve_seal_severity(project.policy),
        SealerCache(project, environment).find_sealer(file),
    )
    errors = [finding for finding in problems if finding.severity is Severity.ERROR]
    if errors:
        raise DiagnosticError(*errors)
    return verified


def _decrypt_batch(
    batch: Sequence[DesiredResource], project: Project, decryptor: Decryptor, sealers: SealerCache
) -> tuple[list[DesiredResource], list[Diagnostic]]:
    severity = resolve_seal_severity(project.policy)
    opened: list[DesiredResource] = []
    findings: list[Diagnostic] = []
    for resource, secrets in zip(batch, decryptor(_reload_documents(project.root, batch)), strict=True):
        if isinstance(secrets, DiagnosticError):
            findings.extend(secrets.diagnostics)
            continue
        sealer = sealers.find_sealer(resource.origin.file)
        verified, problems = verify_secrets(resource, _select_secrets(secrets), severity, sealer)
        opened.append(verified)
        findings.extend(problem for problem in problems if problem.severity is Severity.ERROR)
    return opened, findings


def _reload_documents(root: File, resources: Sequence[DesiredResource]) -> tuple[Document, ...]:
    documents = []
    errors: list[Diagnostic] = []
    for resource in resources:
        try:
            source = reload_file(root, resource.origin.file, resource.digest)
        except DiagnosticError as error:
            errors += error.diagnostics
        else:
            documents.append(parse_document(source.data, source.relative))
    if errors:
        raise DiagnosticError(*errors)
    return tuple(documents)


def _select_secrets(secrets: Mapping[FieldPath, Secret]) -> dict[FieldPath, Secret]:
    return {path[1:]: secret for path, secret in secrets.items() if path[0] == "secrets"}
