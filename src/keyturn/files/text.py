"""Bytes of a file become text that every reader sees alike: UTF-8, no control character, no conflict."""

import re
from typing import Final

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, error_diagnostic

MAX_FILE_BYTES: Final = 1024 * 1024
"""The most bytes that a file may have."""

TOO_LARGE_TEXTS: Final = ("the file is larger than 1 MiB", "split it: one resource per file")
"""What KT104 says, and its hint."""

_CONFLICT_MARKER: Final = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)
_ALLOWED_ASCII: Final = bytes([0x09, 0x0A, *range(0x20, 0x7F)])
_FORBIDDEN_CHARACTERS: Final = (
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "|\r(?!\n)"
)
"""Compiled for the first file that is not plain ASCII: 3 ms, which most runs need not spend."""


def decode_source(data: bytes, file: str) -> str:
    """Return the text of a file, without a byte order mark; line ends stay as they are.

    Raises Faulty for more than 1 MiB (KT104), what is not UTF-8 (KT101), control and
    direction-changing characters (KT102) and the marks of an unfinished merge (KT103).
    """
    if len(data) > MAX_FILE_BYTES:
        raise DiagnosticError(error_diagnostic("KT104", SourceLocation(file), *TOO_LARGE_TEXTS))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DiagnosticError(_encoding_error(data, error.start, file)) from None
    if data.translate(None, _ALLOWED_ASCII):
        _reject_control_characters(text, file)
    if "<<<<<<<" in text or ">>>>>>>" in text:
        _reject_merge_conflict(text, file)
    return text


def _reject_control_characters(text: str, file: str) -> None:
    found = re.search(_FORBIDDEN_CHARACTERS, text)
    if found is None:
        return
    message = f"the character U+{ord(found.group()):04X} is not allowed in a manifest"
    hint = "remove it, or write it as an escape inside double quotes"
    origin = _locate_offset(text, found.start(), file)
    raise DiagnosticError(error_diagnostic("KT102", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT))


def _reject_merge_conflict(text: str, file: str) -> None:
    found = _CONFLICT_MARKER.search(text)
    if found is None:
        return
    message = "a merge stopped here: the file holds both sides of a conflict"
    hint = (
        "take one side whole (git checkout --ours FILE, or --theirs): mixed sides fail the integrity "
        "check of sops; then make the other side's change again, a secret with `keyturn secret set`"
    )
    origin = _locate_offset(text, found.start(), file)
    raise DiagnosticError(error_diagnostic("KT103", origin, message, hint, cause=Cause.MERGE_CONFLICT))


def _encoding_error(data: bytes, at: int, file: str) -> Diagnostic:
    before = data[:at].decode("utf-8-sig", "replace")
    hint = "save it as UTF-8 (not UTF-16 or Latin-1)"
    return error_diagnostic("KT101", _locate_offset(before, len(before), file), "the file is not UTF-8", hint)


def _locate_offset(text: str, at: int, file: str) -> SourceLocation:
    line_start = text.rfind("\n", 0, at) + 1
    return SourceLocation(file, text.count("\n", 0, at) + 1, at - line_start + 1)
