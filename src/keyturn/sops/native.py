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

from keyturn.model.fields import FieldPath
from keyturn.model.secret import Secret
from keyturn.sops.age_keys import AgeKeyring
from keyturn.sops.ciphertext import parse_ciphertext
from keyturn.sops.metadata import PathSelector, SopsMetadata, compile_selector, parse_metadata
from keyturn.yamldoc.reader import Document

_AGE_RECIPIENT: Final = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_ARMOR_PATTERN: Final = re.compile(
    r"-----BEGIN AGE ENCRYPTED FILE-----\n(?:[A-Za-z0-9+/]{64}\n){0,64}[A-Za-z0-9+/]{1,64}={0,2}\n"
    r"-----END AGE ENCRYPTED FILE-----\n?"
)
_SIMPLE_FLOW: Final = re.compile(r"(?:[\w ,./\"'+=$()\[\]{}-]|: )*")
_DATA_KEY_BYTES: Final = 32
_MAC_PATTERN: Final = re.compile(r"[0-9A-F]{128}")
_ENCRYPTED_COMMENT: Final = re.compile(r"#(?:ENC\[|[ \t]*\r?$)", re.MULTILINE)
"""Comments that sops decrypts, and empty ones, which it turns into values in an encrypted list."""


class Unsupported(Struct, frozen=True):
    """Why a document is left to the real sops; never a value."""

    reason: str


DecryptedValues: TypeAlias = Mapping[FieldPath, Secret]
"""The encrypted values of a document by their path in the file."""
LeafDecryptor: TypeAlias = Callable[[Any, str], str | None]
"""From a leaf and what it is bound to, to its text; None where it does not open as one."""


def decrypt_in_process(document: Document, keyring: AgeKeyring) -> DecryptedValues | Unsupported:
    """Return every encrypted value of a document, after its MAC was found right, or Declined.

    The format is that of getsops/sops ``sops.go`` and ``aes/cipher.go`` 3.11: AES-256-GCM with a
    nonce of 32 bytes, the path joined by colons as additional data, and as MAC the SHA-512 of all
    values in order.
    """
    if _ENCRYPTED_COMMENT.search(document.text):
        return Unsupported("a comment is encrypted or empty")
    if not all(map(_is_simple_flow, _find_bracketed_lines(document.text))):
        return Unsupported("a list or mapping in brackets is not simple")
    found = parse_metadata(document)
    if not isinstance(found, SopsMetadata):
        return Unsupported("the sops: block is not as sops writes it")
    chosen = compile_selector(found.selector, found.pattern)
    reason = "the selector is not simple" if chosen is None else _explain_unsupported(found)
    if reason or chosen is None:
        return Unsupported(reason)
    data_key = _unwrap_data_key(found, keyring)
    if data_key is None:
        return Unsupported("no age key at hand opens it")
    return _DocumentDecryptor(document, _build_leaf_decryptor(data_key), chosen).decrypt_leaves(found)


def _find_bracketed_lines(text: str) -> Iterator[str]:
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


def _is_simple_flow(line: str) -> bool:
    # In brackets, libyaml and go-yaml differ about plain text with a `?`, and who knows what else.
    opened, closed = (line.count(pair[0]) + line.count(pair[1]) for pair in ("[{", "]}"))
    return opened == closed and _SIMPLE_FLOW.fullmatch(line.rstrip()) is not None


def _explain_unsupported(found: SopsMetadata) -> str:
    if found.key_group_count != 1 or any(recipient.kind != "age" for recipient in found.recipients):
        return "there are recipients other than age keys"
    if not all(_AGE_RECIPIENT.fullmatch(recipient.name) for recipient in found.recipients):
        return "there are recipients other than plain age keys"
    if found.mac_only_encrypted:
        return "the MAC covers encrypted values only"
    if found.version[0] != 3:  # noqa: PLR2004
        return "the version of the format is not 3"
    return ""


def _unwrap_data_key(found: SopsMetadata, keyring: AgeKeyring) -> bytes | None:
    for recipient in found.recipients:
        if recipient.name in keyring.recipients:
            if not _ARMOR_PATTERN.fullmatch(recipient.wrapped_key):
                return None
            data_key = keyring.unwrap_data_key(recipient.name, recipient.wrapped_key)
            return data_key if data_key is not None and len(data_key) == _DATA_KEY_BYTES else None
    return None


class _DocumentDecryptor:
    def __init__(self, document: Document, value: LeafDecryptor, chosen: PathSelector) -> None:
        self._document = document
        self._decrypt_leaf = value
        self._selector = chosen
        self._hash = hashlib.sha512()

    def decrypt_leaves(self, found: SopsMetadata) -> DecryptedValues | Unsupported:
        opened: dict[FieldPath, Secret] = {}
        for path, keys, leaf in _walk_leaves(self._document.tree):
            if not self._selector(keys):
                self._hash.update(_encode_for_mac(leaf))
                continue
            value = self._decrypt_leaf(leaf, ":".join(keys) + ":")
            if value is None:
                return Unsupported("a value does not open as text")
            self._hash.update(value.encode())
            opened[path] = Secret(value)
        mac = self._decrypt_leaf(found.mac, found.lastmodified) or ""
        fits = hmac.compare_digest(mac.encode(), self._hash.hexdigest().upper().encode())
        return opened if fits and _MAC_PATTERN.fullmatch(mac) else Unsupported("the MAC does not fit")


def _build_leaf_decryptor(data_key: bytes) -> LeafDecryptor:
    # Here and not above: a plan without changes opens nothing, and does not wait for ciphers.
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    cipher = AESGCM(data_key)

    def decrypt_leaf(leaf: Any, context: str) -> str | None:
        parts = parse_ciphertext(leaf) if isinstance(leaf, str) else None
        if parts is None or parts.type != "str":
            return None
        try:
            return cipher.decrypt(parts.iv, parts.data + parts.tag, context.encode()).decode()
        except (InvalidTag, UnicodeDecodeError):
            return None

    return decrypt_leaf


def _walk_leaves(tree: Mapping[str, Any]) -> Iterator[tuple[FieldPath, FieldPath, Any]]:
    # Nulls and empty collections are no leaves to sops: nothing of them is encrypted or hashed.
    pending: list[tuple[FieldPath, FieldPath, Any]] = [
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


def _encode_for_mac(leaf: str | float) -> bytes:
    if isinstance(leaf, bool):
        return b"True" if leaf else b"False"
    if isinstance(leaf, float) and leaf.is_integer():
        return str(int(leaf)).encode()
    return str(leaf).encode()
