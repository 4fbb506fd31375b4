"""Keys and certificates as text: read, opened and compared. The one module here that costs an import.

Text in, facts out: nothing returned or raised holds any part of the text.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import TypeAlias

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

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
_Loader: TypeAlias = Callable[[bytes, bytes | None], PrivateKeyTypes]


class Trouble(Enum):
    """Why a key could not be had."""

    UNREADABLE = "cannot be read"
    LOCKED = "needs a passphrase, and there is none"
    WRONG = "does not open with its passphrase"
    UNLOCKED = "needs no passphrase, and there is one"
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


def open_private(text: str, passphrase: str = "") -> PrivateKeyTypes | Trouble:
    """Return the private key in ``text``, PEM (RFC 7468), OpenSSH or DER in base64."""
    password = passphrase.encode() or None
    if _OPENSSH in text:
        return _attempt(load_ssh_private_key, text.encode(), password)
    if "-----BEGIN " in text:
        return _attempt(load_pem_private_key, text.encode(), password)
    data = _decoded(text)
    return Trouble.UNREADABLE if data is None else _attempt(load_der_private_key, data, password)


def open_pfx(text: str, password: str = "") -> tuple[PrivateKeyTypes, x509.Certificate] | Trouble:
    """Return key and certificate of a PKCS #12 file in base64 (RFC 7292)."""
    data = _decoded(text)
    if data is None:
        return Trouble.UNREADABLE
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(data, password.encode() or None)
    except UnsupportedAlgorithm:
        return Trouble.UNSUPPORTED
    except ValueError:
        return Trouble.WRONG
    return (key, certificate) if key and certificate else Trouble.UNREADABLE


def belongs(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    """Tell whether ``certificate`` was issued for ``key``."""
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _attempt(load: _Loader, data: bytes, password: bytes | None) -> PrivateKeyTypes | Trouble:
    try:
        return load(data, password)
    except UnsupportedAlgorithm:
        return Trouble.UNSUPPORTED
    except TypeError:
        return Trouble.UNLOCKED if password else Trouble.LOCKED
    except ValueError:
        return Trouble.WRONG if password and _locked(data) else Trouble.UNREADABLE


def _locked(data: bytes) -> bool:
    return b"ENCRYPTED" in data or b"BEGIN OPENSSH" in data or b"BEGIN " not in data


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        return None
