"""Cleans the text of a new secret: what editors, shells and password managers put around it or lose.

Messages contain no part of a secret.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

MAX_SECRET_BYTES: Final = 256 * 1024
"""The maximum size of a secret; a longer input is a wrong file."""

_BYTE_ORDER_MARK: Final = "\ufeff"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_PEM_START: Final = "-----BEGIN "
_PEM_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_BASE64_BODY: Final = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_PEM_LINE_LENGTH: Final = 64
_LITERAL_BREAK: Final = re.compile(r"(?:\\r)?\\n")


class CleanedSecret(Struct, frozen=True):
    """The text of a secret, and what was changed, for the user."""

    text: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"CleanedSecret(notes={self.notes!r})"


def decode_secret(data: bytes, source: str) -> CleanedSecret:
    """Return the secret in the bytes of ``source``, which is the name of the input in messages.

    A byte order mark and the newline after one line are removed, and the line breaks of a PEM text are
    restored. Raises ValueError for an empty or too long input and for text that is not UTF-8.
    """
    if len(data) > MAX_SECRET_BYTES:
        message = f"{source} has more than {MAX_SECRET_BYTES // 1024} KiB: it is not a secret"
        raise ValueError(message)
    if data.startswith(_UTF16_MARKS):
        message = f"{source} is not UTF-8 but UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`"
        raise ValueError(message)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        message = f"{source} is not UTF-8 text"
        raise ValueError(message) from None
    cleaned = clean_secret(text)
    if not cleaned.text:
        message = f"{source} is empty: pass the secret on standard input, or with --from-file"
        raise ValueError(message)
    return cleaned


def clean_secret(text: str) -> CleanedSecret:
    """Return a secret without what its source added, such as a byte order mark."""
    notes = []
    if text.startswith(_BYTE_ORDER_MARK):
        text = text.removeprefix(_BYTE_ORDER_MARK)
        notes.append("removed the byte order mark at the start")
    # A shell adds a last newline to one line; the newlines of a PEM stay.
    text = text if text.count("\n") > 1 else text.removesuffix("\n").removesuffix("\r")
    repaired = _repair_pem(text)
    if repaired != text:
        notes.append("restored the line breaks of the PEM text")
    return CleanedSecret(repaired, tuple(notes))


def _repair_pem(text: str) -> str:
    bare = text.strip()
    if bare[:1] in ('"', "'") and bare[:1] == bare[-1:]:
        bare = bare[1:-1]
    if not bare.startswith(_PEM_START):
        return text
    bare = _LITERAL_BREAK.sub("\n", bare)
    blocks = tuple(_PEM_BLOCK.finditer(bare))
    if not blocks or (bare == text.strip() and all(_has_line_breaks(block[2]) for block in blocks)):
        return text
    repaired = "".join(_format_blocks(blocks))
    return text if repaired.strip() == text.strip() else repaired


def _has_line_breaks(body: str) -> bool:
    return body.startswith(("\n", "\r\n")) and body.endswith("\n")


def _format_blocks(blocks: tuple[re.Match[str], ...]) -> Iterator[str]:
    for block in blocks:
        label, body = block[1], block[2]
        if not _has_line_breaks(body) and _BASE64_BODY.fullmatch(body):
            compact = "".join(body.split())
            starts = range(0, len(compact), _PEM_LINE_LENGTH)
            lines = "".join(f"{compact[start : start + _PEM_LINE_LENGTH]}\n" for start in starts)
            yield f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n"
        else:
            yield f"{block[0]}\n"
