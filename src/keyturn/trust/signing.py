"""Ed25519 signatures (RFC 8032) of JSON values, over the pre-authentication encoding of DSSE.

The signed bytes are ``"DSSEv1" SP len(type) SP type SP len(body) SP body``, with lengths in bytes as
decimal ASCII, see the protocol of https://github.com/secure-systems-lab/dsse. ``type`` names what is
signed, so that a signature of one document is none of another. ``body`` is the JSON value in the
canonical form of RFC 8785, for objects with ASCII keys and without floats.
"""

import base64
import binascii
import hashlib
import json
from typing import Any, Final, Protocol

from msgspec import Struct

from keyturn.trust.derivation import derive_key

PUBLIC_KEY_PREFIX: Final = "ed25519:"
"""The prefix of a public key as text; base64 of its 32 bytes follows."""

KEY_ID_PREFIX: Final = "SHA256:"
"""The prefix of a key ID; base64 of the SHA-256 of the public key follows, without padding."""

_SIGNING_PURPOSE: Final = "signing"
_PUBLIC_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


class Signer(Protocol):
    """A private key that signs."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature of ``data``."""


class PublicKey(Struct, frozen=True):
    """The public half of a signing key: 32 bytes."""

    data: bytes

    def __str__(self) -> str:
        return PUBLIC_KEY_PREFIX + base64.b64encode(self.data).decode()

    @classmethod
    def parse(cls, text: object) -> "PublicKey":
        """Parse the text of a public key; raises ValueError."""
        if isinstance(text, str) and text.startswith(PUBLIC_KEY_PREFIX):
            data = _decode_base64(text.removeprefix(PUBLIC_KEY_PREFIX), _PUBLIC_KEY_BYTES)
            if data:
                return cls(data)
        message = "not a public key"
        raise ValueError(message)

    @property
    def key_id(self) -> str:
        """The ID that people compare: ``SHA256:`` and 43 characters of base64."""
        digest = base64.b64encode(hashlib.sha256(self.data).digest()).decode()
        return KEY_ID_PREFIX + digest.rstrip("=")

    def is_signature(self, signature: object, type_name: str, value: Any) -> bool:
        """Tell whether ``signature`` (base64) is that of ``value`` as a document of the type."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # costs 15 ms to import
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )

        decoded = _decode_base64(signature, _SIGNATURE_BYTES)
        if not decoded:
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(self.data)
            key.verify(decoded, encode_for_signing(type_name, value))
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """The private half, derived from the root key of a workspace; its representation hides it."""

    def __init__(self, root_key: bytes) -> None:
        """Derive the key; raises ValueError for a root key shorter than 32 bytes."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415  # costs 15 ms to import
            Ed25519PrivateKey,
        )

        private_key = Ed25519PrivateKey.from_private_bytes(derive_key(root_key, _SIGNING_PURPOSE))
        self._signer: Signer = private_key
        self.public_key = PublicKey(private_key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey({self.public_key.key_id})"

    def sign(self, type_name: str, value: Any) -> str:
        """Return the signature of ``value`` as a document of the type, as base64."""
        return base64.b64encode(self._signer.sign(encode_for_signing(type_name, value))).decode()


def encode_for_signing(type_name: str, value: Any) -> bytes:
    """Return the bytes that a signature covers; raises TypeError for a value that is not JSON."""
    body = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")
    kind = type_name.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def _decode_base64(text: object, length: int) -> bytes:
    if not isinstance(text, str):
        return b""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    # A second text for the same bytes would be a second signature.
    return data if len(data) == length and base64.b64encode(data).decode() == text else b""
