"""Decoding of source files: UTF-8 only, without control characters or conflict markers."""

import re
from hashlib import sha256
from typing import Final

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, error_diagnostic

MAX_FILE_BYTES: Final = 1024 * 1024
"""The maximum size of a file in bytes."""

TOO_LARGE_TEXTS: Final = ("the file is larger than 1 MiB", "split it: one resource per file")
"""The message and the hint of KT104."""

_FOREIGN_FORMATS: Final = (
    (b"version https://git-lfs.github.com/spec/", "a pointer of git LFS", "run `git lfs pull`"),
    (b"\0GITCRYPT\0", "encrypted with git-crypt", "run `git-crypt unlock`, then encrypt it with sops"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "encrypted with age as a whole", "encrypt it with sops"),
    (b"age-encryption.org/", "encrypted with age as a whole", "encrypt it with sops"),
    (b"$ANSIBLE_VAULT;", "encrypted with Ansible Vault", "decrypt it, then encrypt it with sops"),
)
_CONFLICT_MARKER: Final = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)
_ALLOWED_ASCII: Final = bytes([0x09, 0x0A, *range(0x20, 0x7F)])
_FORBIDDEN_CHARACTERS: Final = (
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "|\r(?!\n)"
)
"""Not compiled at import, which takes 3 ms: most runs read only ASCII files."""


def hash_content(data: bytes) -> str:
    """Return the SHA-256, as hex, of a file with its line ends normalised to line feeds.

    A checkout with CRLF has the content of one with LF, so both have one digest.
    """
    return sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def decode_source(data: bytes, file: str) -> str:
    """Decode a file without its byte order mark; line endings are kept.

    Raises DiagnosticError for more than 1 MiB (KT104), the format of another tool (KT116), invalid
    UTF-8 (KT101), control and bidirectional characters (KT102) and conflict markers (KT103).
    """
    if len(data) > MAX_FILE_BYTES:
        raise DiagnosticError(error_diagnostic("KT104", SourceLocation(file), *TOO_LARGE_TEXTS))
    _reject_foreign_format(data, file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DiagnosticError(_encoding_error(data, error.start, file)) from None
    if data.translate(None, _ALLOWED_ASCII):
        _reject_control_characters(text, file)
    if "<<<<<<<" in text or ">>>>>>>" in text:
        _reject_merge_conflict(text, file)
    return text


def _reject_foreign_format(data: bytes, file: str) -> None:
    for start, name, hint in _FOREIGN_FORMATS:
        if data.startswith(start):
            message = f"the file is {name}, not a manifest"
            raise DiagnosticError(error_diagnostic("KT116", SourceLocation(file, 1, 1), message, hint))


def _reject_control_characters(text: str, file: str) -> None:
    match = re.search(_FORBIDDEN_CHARACTERS, text)
    if match is None:
        return
    message = f"the character U+{ord(match.group()):04X} is not allowed in a manifest"
    hint = "remove it, or write it as an escape inside double quotes"
    origin = _locate_offset(text, match.start(), file)
    raise DiagnosticError(error_diagnostic("KT102", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT))


def _reject_merge_conflict(text: str, file: str) -> None:
    match = _CONFLICT_MARKER.search(text)
    if match is None:
        return
    message = "unresolved merge conflict"
    hint = (
        "take one side (git checkout --ours FILE, or --theirs), then repeat the change of the other side; "
        "change secrets with `keyturn secret set`: a mix of both sides fails the integrity check of sops"
    )
    origin = _locate_offset(text, match.start(), file)
    raise DiagnosticError(error_diagnostic("KT103", origin, message, hint, cause=Cause.MERGE_CONFLICT))


def _encoding_error(data: bytes, offset: int, file: str) -> Diagnostic:
    before = data[:offset].decode("utf-8-sig", "replace")
    hint = "save it as UTF-8 (not UTF-16 or Latin-1)"
    return error_diagnostic("KT101", _locate_offset(before, len(before), file), "the file is not UTF-8", hint)


def _locate_offset(text: str, offset: int, file: str) -> SourceLocation:
    line_start = text.rfind("\n", 0, offset) + 1
    return SourceLocation(file, text.count("\n", 0, offset) + 1, offset - line_start + 1)
