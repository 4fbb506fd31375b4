"""Decryption of many files: in process where that is certain, the rest through sops, side by side."""

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
"""Decrypts documents: for each, in order, its secrets by their path in the file, or why not."""

_WRONG_KEY_EXIT_CODE = 128


def decryptor_for(
    environment: Mapping[str, str], settings: PolicySettings, decryptor: str = "auto"
) -> Decryptor:
    """Return what decrypts documents with the keys that ``environment`` leads to.

    Each envelope is judged first: a file with an error there is never decrypted, and no process
    is started for it. ``decryptor`` is ``auto`` (in process, else sops) or ``sops`` (always the
    binary). Keys and the binary are looked for once, when the first file needs them; as many
    processes run side by side as there are cores.
    """
    return _FileDecryptor(environment, settings, decryptor).decrypt_documents


def decrypt_document(document: Document, open_all: Decryptor) -> Mapping[FieldPath, Secret]:
    """Return the secrets of one document; raises Faulty."""
    opened = open_all((document,))[0]
    if isinstance(opened, DiagnosticError):
        raise opened
    return opened


class _FileDecryptor:
    def __init__(self, environment: Mapping[str, str], settings: PolicySettings, decryptor: str) -> None:
        self._environment = environment
        self._settings = settings
        self._native_allowed = decryptor == "auto"

    def decrypt_documents(self, documents: Sequence[Document]) -> tuple[DecryptionResult, ...]:
        results: dict[int, DecryptionResult] = {}
        rest: dict[int, str] = {}
        for index, document in enumerate(documents):
            first = self._decrypt_without_sops(document)
            if isinstance(first, native.Unsupported):
                rest[index] = first.reason
            else:
                results[index] = first
        if rest:
            _ = self._sops_command  # looked for once, before threads would do so side by side
            with ThreadPoolExecutor(max_workers=min(len(rest), _count_cores())) as pool:
                waiting = {
                    index: pool.submit(self._decrypt_with_sops, documents[index], reason)
                    for index, reason in rest.items()
                }
                results.update((index, future.result()) for index, future in waiting.items())
        return tuple(results[index] for index in range(len(documents)))

    def _decrypt_without_sops(self, document: Document) -> DecryptionResult | native.Unsupported:
        wrong = [one for one in check_encryption(document, self._settings) if one.severity is Severity.ERROR]
        if wrong:
            return DiagnosticError(*wrong)
        if "sops" not in document.tree:
            return {}
        opened: native.DecryptedValues | native.Unsupported
        opened = native.Unsupported("the project asks for sops")
        if self._native_allowed:
            opened = native.decrypt_in_process(document, self._age_keyring)
        if isinstance(opened, native.Unsupported) and (hopeless := self._explain_missing_key(document)):
            return DiagnosticError(hopeless)
        return opened

    def _explain_missing_key(self, document: Document) -> Diagnostic | None:
        found = parse_metadata(document)
        keys = self._age_keyring
        if not isinstance(found, SopsMetadata) or keys.has_other_keys:
            return None
        if any(one.kind != "age" or one.name in keys.recipients for one in found.recipients):
            return None
        if not keys.is_empty:
            return explain_exit_code(_WRONG_KEY_EXIT_CODE, document.file)
        broken = "; ".join(finding.message for finding in keys.diagnostics)
        hint = "set SOPS_AGE_KEY_FILE or SOPS_AGE_KEY, or put the key into sops/age/keys.txt of ~/.config"
        message = f"there is no age key to decrypt with{': ' if broken else ''}{broken}"
        code = "KT021" if broken else "KT020"
        return error_diagnostic(code, SourceLocation(document.file), message, hint, cause=Cause.NO_KEY)

    def _decrypt_with_sops(self, document: Document, reason: str) -> DecryptionResult:
        sops = self._sops_command
        if isinstance(sops, DiagnosticError):
            return DiagnosticError(
                *(_locate_sops_diagnostic(finding, document, reason) for finding in sops.diagnostics)
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


def _locate_sops_diagnostic(finding: Diagnostic, document: Document, reason: str) -> Diagnostic:
    message = f"{finding.message}, and this file needs it: {reason}"
    return replace(finding, origin=SourceLocation(document.file), message=message)


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
