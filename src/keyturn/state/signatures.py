"""Signatures of the state document and of journal records.

A signed document starts with ``{"signature":"…",`` and a signed record ends with ``,"signature":"…"}``,
each with 88 characters of base64. The signature covers the SHA-256 of the bytes without it, and the
name of the workspace, so that neither belongs to another workspace.
"""

import hashlib
from typing import Final

from keyturn.trust.signing import PublicKey, SigningKey

_DOCUMENT_TYPE: Final = "keyturn/state/1"
_RECORD_TYPE: Final = "keyturn/journal/1"
_SIGNATURE_LENGTH: Final = 88
_DOCUMENT_PREFIX: Final = b'{"signature":"'
_DOCUMENT_SUFFIX: Final = b'",'
_DOCUMENT_HEAD_LENGTH: Final = len(_DOCUMENT_PREFIX) + _SIGNATURE_LENGTH + len(_DOCUMENT_SUFFIX)
_RECORD_PREFIX: Final = b',"signature":"'
_RECORD_SUFFIX: Final = b'"}\n'
_RECORD_TAIL_LENGTH: Final = len(_RECORD_PREFIX) + _SIGNATURE_LENGTH + len(_RECORD_SUFFIX)


def sign_document(data: bytes, key: SigningKey, workspace: str) -> bytes:
    """Return the document of a state with its signature."""
    signature = key.sign(_DOCUMENT_TYPE, _signed_value(data, workspace)).encode()
    return _DOCUMENT_PREFIX + signature + _DOCUMENT_SUFFIX + data[1:]


def remove_document_signature(data: bytes) -> tuple[bytes, str]:
    """Return the document without its signature, and the signature; it is empty if there is none."""
    head, end = data[:_DOCUMENT_HEAD_LENGTH], len(_DOCUMENT_PREFIX) + _SIGNATURE_LENGTH
    if not head.startswith(_DOCUMENT_PREFIX) or head[end:] != _DOCUMENT_SUFFIX:
        return data, ""
    signature = head[len(_DOCUMENT_PREFIX) : end].decode("ascii", "replace")
    return b"{" + data[_DOCUMENT_HEAD_LENGTH:], signature


def is_signed_document(data: bytes, key: PublicKey, workspace: str) -> bool:
    """Tell whether a document has a valid signature."""
    unsigned, signature = remove_document_signature(data)
    return key.is_signature(signature, _DOCUMENT_TYPE, _signed_value(unsigned, workspace))


def sign_record(line: bytes, key: SigningKey, workspace: str) -> bytes:
    """Return the line of a journal record with its signature."""
    signature = key.sign(_RECORD_TYPE, _signed_value(line, workspace)).encode()
    return line.removesuffix(b"}\n") + _RECORD_PREFIX + signature + _RECORD_SUFFIX


def remove_record_signature(line: bytes) -> tuple[bytes, str]:
    """Return the line without its signature, and the signature; it is empty if there is none."""
    tail = line[-_RECORD_TAIL_LENGTH:]
    if not tail.startswith(_RECORD_PREFIX) or not tail.endswith(_RECORD_SUFFIX):
        return line, ""
    signature = tail[len(_RECORD_PREFIX) : -len(_RECORD_SUFFIX)].decode("ascii", "replace")
    return line[:-_RECORD_TAIL_LENGTH] + b"}\n", signature


def is_signed_record(line: bytes, key: PublicKey, workspace: str) -> bool:
    """Tell whether the line of a record has a valid signature."""
    unsigned, signature = remove_record_signature(line)
    return key.is_signature(signature, _RECORD_TYPE, _signed_value(unsigned, workspace))


def _signed_value(data: bytes, workspace: str) -> dict[str, str]:
    return {"workspace": workspace, "sha256": hashlib.sha256(data).hexdigest()}
