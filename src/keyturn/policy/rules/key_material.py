"""Parses and compares private keys and certificates.

Results and errors do not contain the text. Import this module lazily: cryptography takes 0.1 s to import.
"""

import base64
from datetime import date
from enum import Enum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    load_ssh_private_key,
    pkcs12,
)

from keyturn.policy.text_matching import LazyPattern

_CERTIFICATE_HEADER = "-----BEGIN CERTIFICATE-----"
_PRIVATE_KEY_HEADER = LazyPattern(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----")
_OPENSSH_KIND = "OPENSSH PRIVATE KEY"
_OPENSSH_UNENCRYPTED = b"openssh-key-v1\0\0\0\0\x04none"
"""The start of an OpenSSH key without passphrase (PROTOCOL.key of OpenSSH: magic, cipher name)."""


class KeyProblem(Enum):
    """The reason why a key could not be loaded."""

    UNREADABLE = "unreadable"
    DECRYPTION_FAILED = "decryption failed"
    UNSUPPORTED = "unsupported"


def load_certificates(text: str) -> tuple[x509.Certificate, ...] | None:
    """Return the certificates of a PEM text in order; None if one cannot be read."""
    try:
        return tuple(x509.load_pem_x509_certificates(text.encode()))
    except ValueError:
        return None


def read_last_certificate_day(text: str) -> date | None:
    """Return the last valid day of the newest certificate in a PEM text.

    A bundle may keep old certificates after a renewal.
    """
    certificates = load_certificates(text) if _CERTIFICATE_HEADER in text else None
    return (
        max(certificate.not_valid_after_utc.date() for certificate in certificates) if certificates else None
    )


def is_key_encrypted(text: str) -> bool:
    """Tell whether the private key in a PEM text is encrypted; False without a key."""
    block = _find_key_block(text)
    if block is None:
        return False
    kind, body = block
    if kind == _OPENSSH_KIND:
        data = decode_base64(body)
        return data is not None and not data.startswith(_OPENSSH_UNENCRYPTED)
    return "ENCRYPTED" in kind or "ENCRYPTED" in body


def open_private_key(text: str, passphrase: str = "") -> PrivateKeyTypes | KeyProblem:
    """Load the private key in ``text``: PEM (RFC 7468), OpenSSH or DER in base64.

    A passphrase of an unencrypted key is ignored.
    """
    block = _find_key_block(text)
    password = passphrase.encode() if passphrase and is_key_encrypted(text) else None
    try:
        if block is None:
            return load_der_private_key(decode_base64(text) or b"", None)
        kind, body = block
        load = load_ssh_private_key if kind == _OPENSSH_KIND else load_pem_private_key
        return load(f"-----BEGIN {kind}-----{body}-----END {kind}-----\n".encode(), password)
    except UnsupportedAlgorithm:
        return KeyProblem.UNSUPPORTED
    except (ValueError, TypeError):
        return KeyProblem.DECRYPTION_FAILED if password else KeyProblem.UNREADABLE


def open_pfx(text: str, password: str = "") -> tuple[PrivateKeyTypes, x509.Certificate] | KeyProblem:
    """Load key and certificate of a PKCS #12 file in base64 (RFC 7292)."""
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(
            decode_base64(text) or b"", password.encode() if password else None
        )
    except UnsupportedAlgorithm:
        return KeyProblem.UNSUPPORTED
    except ValueError:
        return KeyProblem.DECRYPTION_FAILED
    return (key, certificate) if key and certificate else KeyProblem.UNREADABLE


def matches_certificate(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    """Tell whether ``certificate`` was issued for ``key``."""
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _find_key_block(text: str) -> tuple[str, str] | None:
    begin = _PRIVATE_KEY_HEADER.search(text)
    end = text.find(f"-----END {begin[1]}-----", begin.end()) if begin else -1
    return (begin[1], text[begin.end() : end]) if begin and end > 0 else None


def decode_base64(text: str) -> bytes | None:
    """Decode base64 of one or several lines; None for other text."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None
