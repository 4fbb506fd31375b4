"""Decryption in process, for what it is sure of; whatever it is not sure of it declines.

Sure means: one age key at hand, a closed metadata schema, a selector of plain words, values of
type text, a file without comments that are encrypted, and a MAC that fits. Everything here is a
reason to decline rather than to fail: the real sops then has the last word.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from keyturn.core.fields import Path
from keyturn.core.secret import Secret
from keyturn.load.ciphertext import parse
from keyturn.load.keys import Keyring
from keyturn.load.metadata import Envelope, envelope
from keyturn.load.nodes import Document
from keyturn.load.selectors import Chosen, chooser

_RECIPIENT: Final = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_ARMOR: Final = re.compile(
    r"-----BEGIN AGE ENCRYPTED FILE-----\n(?:[A-Za-z0-9+/]{64}\n){0,64}[A-Za-z0-9+/]{1,64}={0,2}\n"
    r"-----END AGE ENCRYPTED FILE-----\n?"
)
_SIMPLE_FLOW: Final = re.compile(r"(?:[\w ,./\"'+=$()\[\]{}-]|: )*")
_DATA_KEY_BYTES: Final = 32
_MAC: Final = re.compile(r"[0-9A-F]{128}")
_COMMENT: Final = re.compile(r"#(?:ENC\[|[ \t]*\r?$)", re.MULTILINE)
"""Comments that sops decrypts, and empty ones, which it turns into values in an encrypted list."""


class Declined(Struct, frozen=True):
    """Why a document is left to the real sops; never a value."""

    reason: str


Opened: TypeAlias = Mapping[Path, Secret]
"""The encrypted values of a document by their path in the file."""
Read: TypeAlias = Callable[[Any, str], str | None]
"""From a leaf and what it is bound to, to its text; None where it does not open as one."""


def decrypt(document: Document, keyring: Keyring) -> Opened | Declined:
    """Return every encrypted value of a document, after its MAC was found right, or Declined.

    The format is that of getsops/sops ``sops.go`` and ``aes/cipher.go`` 3.11: AES-256-GCM with a
    nonce of 32 bytes, the path joined by colons as additional data, and as MAC the SHA-512 of all
    values in order.
    """
    if _COMMENT.search(document.text):
        return Declined("a comment is encrypted or empty")
    if not all(map(_simple, _bracketed(document.text))):
        return Declined("a list or mapping in brackets is not simple")
    found = envelope(document)
    if not isinstance(found, Envelope):
        return Declined("the sops: block is not as sops writes it")
    chosen = chooser(found.selector, found.pattern)
    reason = "the selector is not simple" if chosen is None else _unsure(found)
    if reason or chosen is None:
        return Declined(reason)
    data_key = _data_key(found, keyring)
    if data_key is None:
        return Declined("no age key at hand opens it")
    return _Walk(document, _reader(data_key), chosen).open(found)


def _bracketed(text: str) -> Iterator[str]:
    for bracket in "[{":
        at = text.find(bracket)
        while at >= 0:
            if at and text[at - 1] not in " \t\n":
                at = text.find(bracket, at + 1)
                continue
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            yield text[at:end]
            at = text.find(bracket, end)


def _simple(line: str) -> bool:
    # In brackets, libyaml and go-yaml differ about plain text with a `?`, and who knows what else.
    opened, closed = (line.count(pair[0]) + line.count(pair[1]) for pair in ("[{", "]}"))
    return opened == closed and _SIMPLE_FLOW.fullmatch(line.rstrip()) is not None


def _unsure(found: Envelope) -> str:
    if found.groups != 1 or any(recipient.kind != "age" for recipient in found.recipients):
        return "there are recipients other than age keys"
    if not all(_RECIPIENT.fullmatch(recipient.name) for recipient in found.recipients):
        return "there are recipients other than plain age keys"
    if found.mac_only_encrypted:
        return "the MAC covers encrypted values only"
    if found.version[0] != 3:  # noqa: PLR2004
        return "the version of the format is not 3"
    return ""


def _data_key(found: Envelope, keyring: Keyring) -> bytes | None:
    for recipient in found.recipients:
        if recipient.name in keyring.recipients:
            if not _ARMOR.fullmatch(recipient.wrapped):
                return None
            data_key = keyring.unwrap(recipient.name, recipient.wrapped)
            return data_key if data_key is not None and len(data_key) == _DATA_KEY_BYTES else None
    return None


class _Walk:
    def __init__(self, document: Document, value: Read, chosen: Chosen) -> None:
        self._document = document
        self._value = value
        self._chosen = chosen
        self._hash = hashlib.sha512()

    def open(self, found: Envelope) -> Opened | Declined:
        opened: dict[Path, Secret] = {}
        for path, keys, leaf in _leaves(self._document.tree):
            if not self._chosen(keys):
                self._hash.update(_as_hashed(leaf))
                continue
            value = self._value(leaf, ":".join(keys) + ":")
            if value is None:
                return Declined("a value does not open as text")
            self._hash.update(value.encode())
            opened[path] = Secret(value)
        mac = self._value(found.mac, found.lastmodified) or ""
        fits = hmac.compare_digest(mac.encode(), self._hash.hexdigest().upper().encode())
        return opened if fits and _MAC.fullmatch(mac) else Declined("the MAC does not fit")


def _reader(data_key: bytes) -> Read:
    # Here and not above: a plan without changes opens nothing, and does not wait for ciphers.
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    cipher = AESGCM(data_key)

    def value(leaf: Any, context: str) -> str | None:
        parts = parse(leaf) if isinstance(leaf, str) else None
        if parts is None or parts.type != "str":
            return None
        try:
            return cipher.decrypt(parts.iv, parts.data + parts.tag, context.encode()).decode()
        except (InvalidTag, UnicodeDecodeError):
            return None

    return value


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[Path, Path, Any]]:
    # Nulls and empty collections are no leaves to sops: nothing of them is encrypted or hashed.
    pending: list[tuple[Path, Path, Any]] = [
        ((key,), (key,), value) for key, value in reversed(list(tree.items())) if key != "sops"
    ]
    while pending:
        path, keys, value = pending.pop()
        if isinstance(value, dict):
            pending.extend(((*path, key), (*keys, key), inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list):
            rows = [((*path, str(index)), keys, inner) for index, inner in enumerate(value)]
            pending.extend(reversed(rows))
        elif value is not None:
            yield path, keys, value


def _as_hashed(leaf: str | float) -> bytes:
    if isinstance(leaf, bool):
        return b"True" if leaf else b"False"
    if isinstance(leaf, float) and leaf.is_integer():
        return str(int(leaf)).encode()
    return str(leaf).encode()
