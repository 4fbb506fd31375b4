"""Keyed fingerprints of secrets: equal secrets are recognized only with the key.

HMAC-SHA256 with a 256-bit key, because a dictionary attack finds a plain hash of a password in seconds.
HKDF (RFC 5869) derives a separate key for each purpose.
"""

import hashlib
import hmac

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, to_json_pointer
from keyturn.model.secret import Secret

HKDF_KEY_BYTES = 32
"""Length of the repository's key and of each derived key."""

_CONTEXT = b"keyturn fingerprint 1"


def derive_key(key: bytes, purpose: str) -> bytes:
    """Derive the 32-byte key for ``purpose``: HKDF-SHA256 without salt, with ``purpose`` as info.

    Raises ValueError for a key shorter than 32 bytes.
    """
    if len(key) < HKDF_KEY_BYTES:
        message = f"the fingerprint key has {len(key)} bytes; it must have {HKDF_KEY_BYTES}"
        raise ValueError(message)
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), key, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")


def compute_fingerprint(key: bytes, address: Address, path: FieldPath, secret: Secret) -> str:
    """Return the fingerprint of ``secret`` in the field ``path`` of ``address``: 64 hex digits.

    ``key`` comes from ``derive_key``. Address and path are part of the input, each with its length, so
    the same value in another field has another fingerprint.
    """
    parts = (_CONTEXT, address.kind.encode(), address.name.encode(), to_json_pointer(path).encode())
    return secret.compute_hmac(key, b"".join(len(part).to_bytes(4, "big") + part for part in parts))
