"""Keyed fingerprints: a secret can be recognised by whoever has the key, and guessed by nobody.

HMAC-SHA256 under a 256-bit key, because a bare hash of a password is found from a word list in
seconds; HKDF (RFC 5869) gives each purpose a key of its own.
"""

import hashlib
import hmac

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, to_json_pointer
from keyturn.model.secret import Secret

HKDF_KEY_BYTES = 32
"""The length of the repository's key, and of every key derived from it."""

_CONTEXT = b"keyturn fingerprint 1"


def derive_key(key: bytes, purpose: str) -> bytes:
    """Return the 32-byte key for ``purpose``: HKDF-SHA256 without salt, ``purpose`` as its info.

    Raises ValueError for a key of fewer than 32 bytes.
    """
    if len(key) < HKDF_KEY_BYTES:
        message = f"the fingerprint key has {len(key)} bytes; it must have {HKDF_KEY_BYTES}"
        raise ValueError(message)
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), key, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")


def compute_fingerprint(key: bytes, address: Address, path: FieldPath, secret: Secret) -> str:
    """Return the fingerprint of ``secret`` in the field ``path`` of ``address``: 64 hex digits.

    ``key`` is one that ``derive`` made. The context is framed by lengths, so that no two fields
    can be shifted into each other, and the same value elsewhere has another fingerprint.
    """
    parts = (_CONTEXT, address.kind.encode(), address.name.encode(), to_json_pointer(path).encode())
    return secret.compute_hmac(key, b"".join(len(part).to_bytes(4, "big") + part for part in parts))
