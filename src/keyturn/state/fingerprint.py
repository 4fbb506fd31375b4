"""Keyed fingerprints of secrets: equal secrets are recognized only with the key.

HMAC-SHA256 with a 256-bit key, because a dictionary attack finds a plain hash of a password in seconds.
"""

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, to_json_pointer
from keyturn.model.secret import Secret

_CONTEXT = b"keyturn fingerprint 1"


def compute_fingerprint(key: bytes, address: Address, path: FieldPath, secret: Secret) -> str:
    """Return the fingerprint of ``secret`` in the field ``path`` of ``address``: 64 hex digits.

    ``key`` comes from ``derive_key``. Address and path are part of the input, each with its length, so
    the same value in another field has another fingerprint.
    """
    parts = (_CONTEXT, address.kind.encode(), address.name.encode(), to_json_pointer(path).encode())
    return secret.compute_hmac(key, b"".join(len(part).to_bytes(4, "big") + part for part in parts))
