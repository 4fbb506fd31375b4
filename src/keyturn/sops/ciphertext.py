"""The text form of a SOPS ciphertext: ``ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]``."""

import binascii
import re
from typing import Final

from msgspec import Struct

_CIPHERTEXT_PATTERN: Final = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z0-9]+)\]"
)
_IV_BYTES: Final = 32
_TAG_BYTES: Final = 16


class Ciphertext(Struct, frozen=True):
    """The parts of a ciphertext: ``iv`` has 32 bytes, ``tag`` 16; ``type`` is not authenticated."""

    data: bytes
    iv: bytes
    tag: bytes
    type: str


def looks_encrypted(value: object) -> bool:
    """Tell whether ``value`` starts like a ciphertext, well-formed or not."""
    return isinstance(value, str) and value.startswith("ENC[")


def parse_ciphertext(text: str) -> Ciphertext | None:
    """Parse a ciphertext; return None if it is not exactly in the form that SOPS writes.

    The form is that of getsops/sops ``aes/cipher.go``, anchored at both ends: sops ignores text
    after the closing bracket.
    """
    match = _CIPHERTEXT_PATTERN.fullmatch(text)
    if match is None:
        return None
    data, iv, tag = (_decode_base64(match[index]) for index in (1, 2, 3))
    if data is None or iv is None or tag is None or len(iv) != _IV_BYTES or len(tag) != _TAG_BYTES:
        return None
    return Ciphertext(data, iv, tag, match[4])


def _decode_base64(text: str) -> bytes | None:
    try:
        decoded = binascii.a2b_base64(text, strict_mode=True)
        tail = binascii.a2b_base64(text[-4:], strict_mode=True)
    except binascii.Error:
        return None
    # Padding bits other than zero are rejected, so that each value has exactly one text form.
    return decoded if binascii.b2a_base64(tail, newline=False) == text[-4:].encode() else None
