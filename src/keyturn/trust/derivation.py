"""Derives the keys of a workspace from its root key: HKDF-SHA256 (RFC 5869), one key for each purpose."""

import hashlib
import hmac
from typing import Final

ROOT_KEY_BYTES: Final = 32
"""The length of a root key and of each derived key."""


def derive_key(key: bytes, purpose: str) -> bytes:
    """Derive the 32-byte key for ``purpose``: HKDF-SHA256 without salt, with ``purpose`` as info.

    Raises ValueError for a key shorter than 32 bytes.
    """
    if len(key) < ROOT_KEY_BYTES:
        message = f"the key has {len(key)} bytes; it must have {ROOT_KEY_BYTES}"
        raise ValueError(message)
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), key, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
