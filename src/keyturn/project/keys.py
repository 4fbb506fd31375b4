"""Reads the API key (from an environment variable or a file) and the fingerprint key."""

import base64
import binascii
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from keyturn.files.discovery import load_file
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, error_diagnostic
from keyturn.model.fields import FieldPath
from keyturn.model.secret import Secret
from keyturn.policy.text_matching import has_embedded_password, has_known_prefix, has_private_key
from keyturn.project.ci_events import reject_untrusted_event
from keyturn.project.project import ApiKeySource, Project
from keyturn.sops.decrypt import Decryptor, decrypt_document, decryptor_for
from keyturn.yamldoc.reader import Document, parse_document

MAX_API_KEY_BYTES = 8192
"""The maximum size of a key file."""

FINGERPRINT_KEY_PATH: Final = ("secrets", "fingerprint_key")
"""The path of the key in its file, as base64 of 32 bytes."""

STORED_KEY_BYTES: Final = 32

_API_KEY_PREFIXES: Final = ("plnx_", "plx_", "flx_")
_OTHER_SECRET_VARIABLES: Final = frozenset(
    {
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN", "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN",
        "CI_JOB_TOKEN", "GITHUB_TOKEN", "GOOGLE_SERVICE_ACCOUNT_KEY", "SOPS_AGE_KEY", "VAULT_TOKEN",
    }
)  # fmt: skip


def read_api_key(root: Path, source: ApiKeySource, environment: Mapping[str, str]) -> tuple[Secret, str]:
    """Return the key and the name of its source for messages.

    Raises DiagnosticError: KT030 without a key, KT032 if the value is a secret of another system.
    """
    if source.kind == "env":
        where = f"the environment variable {source.name}"
        value = environment.get(source.name, "")
        missing = f"{where} is not set"
    else:
        where = f"the file {source.name}"
        value, missing = _read_key_file(root / source.name, where)
    if not value.strip():
        hint = "set it to a service key of the workspace; `api_key:` in keyturn.yaml names the source"
        raise DiagnosticError(
            Diagnostic(
                code="KT030",
                severity=Severity.ERROR,
                message=f"there is no API key: {missing}",
                origin=SourceLocation("keyturn.yaml"),
                hint=hint,
            )
        )
    if _is_other_secret(value.strip(), source):
        hint = "let `api_key:` in keyturn.yaml name the source of the Planasonix key; review who changed it"
        message = f"{where} contains a secret of another system, not an API key"
        raise DiagnosticError(error_diagnostic("KT032", SourceLocation("keyturn.yaml"), message, hint))
    return Secret(value.strip()), where


def open_decryptor(project: Project, environment: Mapping[str, str]) -> Decryptor:
    """Return a decryptor with the keys of ``environment``; raises DiagnosticError (KT031)."""
    reject_untrusted_event(environment)
    return decryptor_for(environment, project.policy, project.decryptor)


def read_fingerprint_key(project: Project, decrypt: Decryptor) -> bytes:
    """Return the fingerprint key; raises DiagnosticError (KT040 for a missing or damaged key)."""
    where = SourceLocation(project.fingerprint_key)
    if not (project.root / project.fingerprint_key).exists():
        hint = "restore it from git; `keyturn init` creates one in a new repository"
        raise DiagnosticError(error_diagnostic("KT040", where, "the repository has no fingerprint key", hint))
    source = load_file(project.root, project.fingerprint_key)
    key = decrypt_stored_key(parse_document(source.data, source.relative), FINGERPRINT_KEY_PATH, decrypt)
    if not key:
        raise DiagnosticError(_damaged_key_error(where))
    return key


def decrypt_stored_key(document: Document, path: FieldPath, decrypt: Decryptor) -> bytes:
    """Return the key at ``path`` of an encrypted file; empty if it is missing or not base64 of 32 bytes."""
    opened = decrypt_document(document, decrypt)
    if path not in opened:
        return b""
    try:
        key = base64.b64decode(opened[path].reveal(), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if len(key) == STORED_KEY_BYTES else b""


def _is_other_secret(value: str, source: ApiKeySource) -> bool:
    if source.kind == "env" and source.name in _OTHER_SECRET_VARIABLES:
        return True
    if value.startswith(_API_KEY_PREFIXES):
        return False
    return has_private_key(value) or has_known_prefix(value) or has_embedded_password(value)


def _read_key_file(path: Path, where: str) -> tuple[str, str]:
    try:
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > MAX_API_KEY_BYTES:
            return "", f"{where} does not contain a key"
        return path.read_text("ascii"), f"{where} is empty"
    except FileNotFoundError:
        return "", f"{where} does not exist"
    except (OSError, UnicodeDecodeError):
        return "", f"{where} cannot be read"


def _damaged_key_error(where: SourceLocation) -> Diagnostic:
    hint = "restore it from git: with another key, every secret would appear rotated"
    return error_diagnostic("KT040", where, "the fingerprint key of the repository is damaged", hint)
