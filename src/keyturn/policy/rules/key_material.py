"""Keys and certificates as text: read, opened and compared. The one module here that costs an import.

Text in, facts out: nothing returned or raised holds any part of the text.
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
"""How an OpenSSH key begins that has no passphrase (PROTOCOL.key of OpenSSH: magic, cipher's name)."""


class KeyProblem(Enum):
    """Why a key could not be had."""

    UNREADABLE = "cannot be read"
    WRONG_PASSPHRASE = "does not open with its passphrase"
    UNSUPPORTED = "is of a kind that is not checked"


def load_certificates(text: str) -> tuple[x509.Certificate, ...] | None:
    """Return the certificates of a PEM text, as they stand; None where one cannot be read."""
    try:
        return tuple(x509.load_pem_x509_certificates(text.encode()))
    except ValueError:
        return None


def last_certificate_day(text: str) -> date | None:
    """Return the last day of the newest certificate in a PEM text, so that a bundle counts as renewed."""
    found = load_certificates(text) if _CERTIFICATE_HEADER in text else None
    return max(one.not_valid_after_utc.date() for one in found) if found else None


def is_key_encrypted(text: str) -> bool:
    """Tell whether the private key in a PEM text is encrypted; false where there is none."""
    block = _find_key_block(text)
    if block is None:
        return False
    kind, body = block
    if kind == _OPENSSH_KIND:
        data = decode_base64(body)
        return data is not None and not data.startswith(_OPENSSH_UNENCRYPTED)
    return "ENCRYPTED" in kind or "ENCRYPTED" in body


def open_private_key(text: str, passphrase: str = "") -> PrivateKeyTypes | KeyProblem:
    """Return the private key in ``text``: PEM (RFC 7468), OpenSSH or DER in base64.

    A passphrase that the key does not need is left aside.
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
        return KeyProblem.WRONG_PASSPHRASE if password else KeyProblem.UNREADABLE


def open_pfx(text: str, password: str = "") -> tuple[PrivateKeyTypes, x509.Certificate] | KeyProblem:
    """Return key and certificate of a PKCS #12 file in base64 (RFC 7292)."""
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(
            decode_base64(text) or b"", password.encode() if password else None
        )
    except UnsupportedAlgorithm:
        return KeyProblem.UNSUPPORTED
    except ValueError:
        return KeyProblem.WRONG_PASSPHRASE
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
    """Return the bytes that ``text`` writes in base64, over several lines or one; None where it does not."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None
