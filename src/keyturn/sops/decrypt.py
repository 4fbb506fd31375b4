"""Decryption of documents: in process if the format is supported, otherwise by parallel sops processes."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeAlias

from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, Severity, error_diagnostic
from keyturn.model.fields import FieldPath
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.sops import native
from keyturn.sops.age_keys import AgeKeyring, find_age_keys
from keyturn.sops.binary import SopsCommand, explain_exit_code, find_sops
from keyturn.sops.checks import check_encryption
from keyturn.sops.metadata import SopsMetadata, parse_metadata
from keyturn.yamldoc.reader import Document

DecryptionResult: TypeAlias = Mapping[FieldPath, Secret] | DiagnosticError

Decryptor: TypeAlias = Callable[[Sequence[Document]], tuple[DecryptionResult, ...]]
"""Decrypts documents in order: the result of each is its secrets by path, or an error."""

_WRONG_KEY_EXIT_CODE = 128


def decryptor_for(
    environment: Mapping[str, str], settings: PolicySettings, decryptor: str = "auto"
) -> Decryptor:
    """Return a function that decrypts documents with the keys of ``environment``.

    A file whose encryption check has an error is not decrypted. ``decryptor`` is ``auto`` (in
    process, else sops) or ``sops`` (always the binary). Keys and the binary are located once, for
    the first file that needs them. One sops process runs per CPU core.
    """
    return _FileDecryptor(environment, settings, decryptor).decrypt_documents


def decrypt_document(document: Document, decryptor: Decryptor) -> Mapping[FieldPath, Secret]:
    """Return the secrets of one document by path; raises DiagnosticError."""
    result = decryptor((document,))[0]
    if isinstance(result, DiagnosticError):
        raise result
    return result


class _FileDecryptor:
    def __init__(self, environment: Mapping[str, str], settings: PolicySettings, decryptor: str) -> None:
        self._environment = environment
        self._settings = settings
        self._native_allowed = decryptor == "auto"

    def decrypt_documents(self, documents: Sequence[Document]) -> tuple[DecryptionResult, ...]:
        results: dict[int, DecryptionResult] = {}
        rest: dict[int, str] = {}
        for index, document in enumerate(documents):
            result = self._decrypt_without_sops(document)
            if isinstance(result, native.Unsupported):
                rest[index] = result.reason
            else:
                results[index] = result
        if rest:
            _ = self._sops_command  # Computed before the threads start, so that only one search runs.
            with ThreadPoolExecutor(max_workers=min(len(rest), _count_cores())) as pool:
                futures = {
                    index: pool.submit(self._decrypt_with_sops, documents[index], reason)
                    for index, reason in rest.items()
                }
                results.update((index, future.result()) for index, future in futures.items())
        return tuple(results[index] for index in range(len(documents)))

    def _decrypt_without_sops(self, document: Document) -> DecryptionResult | native.Unsupported:
        diagnostics = check_encryption(document, self._settings)
        if errors := [each for each in diagnostics if each.severity is Severity.ERROR]:
            return DiagnosticError(*errors)
        if "sops" not in document.tree:
            return {}
        result: native.DecryptedValues | native.Unsupported
        result = native.Unsupported("the project requires sops")
        if self._native_allowed:
            result = native.decrypt_in_process(document, self._age_keyring)
        if isinstance(result, native.Unsupported) and (missing := self._explain_missing_key(document)):
            return DiagnosticError(missing)
        return result

    def _explain_missing_key(self, document: Document) -> Diagnostic | None:
        metadata = parse_metadata(document)
        keys = self._age_keyring
        if not isinstance(metadata, SopsMetadata) or keys.has_other_keys:
            return None
        if any(each.kind != "age" or each.name in keys.recipients for each in metadata.recipients):
            return None
        if not keys.is_empty:
            return explain_exit_code(_WRONG_KEY_EXIT_CODE, document.file)
        unreadable = "; ".join(each.message for each in keys.diagnostics)
        hint = "set SOPS_AGE_KEY_FILE or SOPS_AGE_KEY, or put the key into ~/.config/sops/age/keys.txt"
        message = f"no age key was found{': ' if unreadable else ''}{unreadable}"
        code = "KT021" if unreadable else "KT020"
        return error_diagnostic(code, SourceLocation(document.file), message, hint, cause=Cause.NO_KEY)

    def _decrypt_with_sops(self, document: Document, reason: str) -> DecryptionResult:
        sops = self._sops_command
        if isinstance(sops, DiagnosticError):
            return DiagnosticError(
                *(_relocate_diagnostic(each, document, reason) for each in sops.diagnostics)
            )
        try:
            return sops.decrypt(document)
        except DiagnosticError as error:
            return error

    @cached_property
    def _age_keyring(self) -> AgeKeyring:
        return find_age_keys(self._environment)

    @cached_property
    def _sops_command(self) -> SopsCommand | DiagnosticError:
        try:
            return find_sops(self._age_keyring.environment, self._settings.key_types, self._settings.servers)
        except DiagnosticError as error:
            return error


def _relocate_diagnostic(diagnostic: Diagnostic, document: Document, reason: str) -> Diagnostic:
    message = f"{diagnostic.message}; this file needs it: {reason}"
    return replace(diagnostic, origin=SourceLocation(document.file), message=message)


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
