"""The repository's own key: 32 random bytes, SOPS-encrypted in git, that fingerprint secrets."""

import base64
import binascii
from typing import Final

from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import Diagnostic, DiagnosticError
from keyturn.load.decrypt import Decryptor, decrypt_document
from keyturn.load.files import load_file
from keyturn.load.findings import error_diagnostic
from keyturn.load.nodes import parse_document
from keyturn.load.project import Project

FINGERPRINT_KEY_PATH: Final = ("secrets", "fingerprint_key")
"""Where the key stands in its file, as base64 of 32 bytes."""

STORED_KEY_BYTES: Final = 32


def read_fingerprint_key(project: Project, decrypt: Decryptor) -> bytes:
    """Return the key; raises Faulty KT040 where there is none, and what decryption raises."""
    where = SourceLocation(project.fingerprint_key)
    if not (project.root / project.fingerprint_key).exists():
        hint = "restore it from git; `keyturn init` makes one for a new repository"
        raise DiagnosticError(error_diagnostic("KT040", where, "the repository has no fingerprint key", hint))
    source = load_file(project.root, project.fingerprint_key)
    opened = decrypt_document(parse_document(source.data, source.relative), decrypt)
    if FINGERPRINT_KEY_PATH not in opened:
        raise DiagnosticError(_damaged_key_error(where))
    try:
        key = base64.b64decode(opened[FINGERPRINT_KEY_PATH].reveal(), validate=True)
    except (binascii.Error, ValueError):
        raise DiagnosticError(_damaged_key_error(where)) from None
    if len(key) != STORED_KEY_BYTES:
        raise DiagnosticError(_damaged_key_error(where))
    return key


def _damaged_key_error(where: SourceLocation) -> Diagnostic:
    hint = "restore it from git: with another key every secret would look rotated"
    return error_diagnostic("KT040", where, "the repository's fingerprint key is damaged", hint)
