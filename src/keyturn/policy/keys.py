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

from keyturn.policy.pattern import Pattern

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_BEGIN = Pattern(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----")
_OPENSSH = "OPENSSH PRIVATE KEY"
_OPENSSH_OPEN = b"openssh-key-v1\0\0\0\0\x04none"
"""How an OpenSSH key begins that has no passphrase (PROTOCOL.key of OpenSSH: magic, cipher's name)."""


class Trouble(Enum):
    """Why a key could not be had."""

    UNREADABLE = "cannot be read"
    WRONG = "does not open with its passphrase"
    UNSUPPORTED = "is of a kind that is not checked"


def certificates(text: str) -> tuple[x509.Certificate, ...] | None:
    """Return the certificates of a PEM text, as they stand; None where one cannot be read."""
    try:
        return tuple(x509.load_pem_x509_certificates(text.encode()))
    except ValueError:
        return None


def last_day(text: str) -> date | None:
    """Return the last day of the newest certificate in a PEM text, so that a bundle counts as renewed."""
    found = certificates(text) if _CERTIFICATE in text else None
    return max(one.not_valid_after_utc.date() for one in found) if found else None


def locked(text: str) -> bool:
    """Tell whether the private key in a PEM text is encrypted; false where there is none."""
    block = _block(text)
    if block is None:
        return False
    kind, body = block
    if kind == _OPENSSH:
        data = decoded(body)
        return data is not None and not data.startswith(_OPENSSH_OPEN)
    return "ENCRYPTED" in kind or "ENCRYPTED" in body


def open_private(text: str, passphrase: str = "") -> PrivateKeyTypes | Trouble:
    """Return the private key in ``text``: PEM (RFC 7468), OpenSSH or DER in base64.

    A passphrase that the key does not need is left aside.
    """
    block = _block(text)
    password = passphrase.encode() if passphrase and locked(text) else None
    try:
        if block is None:
            return load_der_private_key(decoded(text) or b"", None)
        kind, body = block
        load = load_ssh_private_key if kind == _OPENSSH else load_pem_private_key
        return load(f"-----BEGIN {kind}-----{body}-----END {kind}-----\n".encode(), password)
    except UnsupportedAlgorithm:
        return Trouble.UNSUPPORTED
    except (ValueError, TypeError):
        return Trouble.WRONG if password else Trouble.UNREADABLE


def open_pfx(text: str, password: str = "") -> tuple[PrivateKeyTypes, x509.Certificate] | Trouble:
    """Return key and certificate of a PKCS #12 file in base64 (RFC 7292)."""
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(
            decoded(text) or b"", password.encode() if password else None
        )
    except UnsupportedAlgorithm:
        return Trouble.UNSUPPORTED
    except ValueError:
        return Trouble.WRONG
    return (key, certificate) if key and certificate else Trouble.UNREADABLE


def belongs(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    """Tell whether ``certificate`` was issued for ``key``."""
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _block(text: str) -> tuple[str, str] | None:
    begin = _BEGIN.search(text)
    end = text.find(f"-----END {begin[1]}-----", begin.end()) if begin else -1
    return (begin[1], text[begin.end() : end]) if begin and end > 0 else None


def decoded(text: str) -> bytes | None:
    """Return the bytes that ``text`` writes in base64, over several lines or one; None where it does not."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None
