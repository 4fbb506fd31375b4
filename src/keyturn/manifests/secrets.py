"""Sealed manifests are opened: decrypted as the bytes that were loaded, their seals verified."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as File
from typing import Final

from keyturn.files.discovery import load_file, reload_file
from keyturn.git.revision import Revision
from keyturn.manifests.manifest import build_manifest
from keyturn.manifests.seal import SealSubject, check_seal, missing_seal_severity, verify_secrets
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.resource import DesiredResource
from keyturn.model.secret import Secret
from keyturn.project.project import Project
from keyturn.sops.decrypt import Decryptor, decrypt_document, decryptor_for
from keyturn.yamldoc.reader import Document, parse_document

_BATCH_SIZE: Final = 256


def decrypt_manifests(
    desired: Iterable[DesiredResource], project: Project, environment: Mapping[str, str]
) -> tuple[DesiredResource, ...]:
    """Return the manifests with their secrets opened and their seals verified.

    Only these files are read again and decrypted, each as the bytes that were loaded, with the keys
    that ``environment`` leads to. Raises Faulty with everything that is wrong, KT250 to KT299 for
    what is refused for its integrity; a seal that is missing where policy only warns of it is let
    pass: ``load`` has said so.
    """
    open_all = decryptor_for(environment, project.policy, project.decryptor)
    wanted = tuple(desired)
    opened: list[DesiredResource] = []
    findings: list[Diagnostic] = []
    for at in range(0, len(wanted), _BATCH_SIZE):
        whole, wrong = _decrypt_batch(wanted[at : at + _BATCH_SIZE], project, open_all)
        opened.extend(whole)
        findings.extend(wrong)
    if findings:
        raise DiagnosticError(*findings)
    return tuple(opened)


def check_seals_of_invalid(
    doubtful: Sequence[SealSubject], project: Project, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return what the seals of files that do not fit their schema say: KT251 for each that is broken."""
    documents = [
        parse_document(load_file(project.root, each.origin.file).data, each.origin.file) for each in doubtful
    ]
    open_all = decryptor_for(environment, project.policy, project.decryptor)
    return tuple(
        finding
        for what, secrets in zip(doubtful, open_all(documents), strict=True)
        for finding in (
            secrets.diagnostics
            if isinstance(secrets, DiagnosticError)
            else check_seal(what, _select_secrets(secrets))
        )
    )


def _decrypt_batch(
    some: Sequence[DesiredResource], project: Project, open_all: Decryptor
) -> tuple[list[DesiredResource], list[Diagnostic]]:
    severity = missing_seal_severity(project.policy)
    opened: list[DesiredResource] = []
    findings: list[Diagnostic] = []
    for one, secrets in zip(some, open_all(_reload_documents(project.root, some)), strict=True):
        if isinstance(secrets, DiagnosticError):
            findings.extend(secrets.diagnostics)
            continue
        whole, wrong = verify_secrets(one, _select_secrets(secrets), severity)
        opened.append(whole)
        findings.extend(each for each in wrong if each.severity is Severity.ERROR)
    return opened, findings


def _reload_documents(root: File, wanted: Sequence[DesiredResource]) -> tuple[Document, ...]:
    documents = []
    moved: list[Diagnostic] = []
    for one in wanted:
        try:
            source = reload_file(root, one.origin.file, one.digest)
        except DiagnosticError as error:
            moved += error.diagnostics
        else:
            documents.append(parse_document(source.data, source.relative))
    if moved:
        raise DiagnosticError(*moved)
    return tuple(documents)


def _select_secrets(secrets: Mapping[FieldPath, Secret]) -> dict[FieldPath, Secret]:
    return {path[1:]: secret for path, secret in secrets.items() if path[0] == "secrets"}


def decrypt_manifest_at(
    project: Project, file: str, commit: str, environment: Mapping[str, str]
) -> DesiredResource:
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
