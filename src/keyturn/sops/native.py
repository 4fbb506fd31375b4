"""Decryption in process for the common form of files; sops decrypts all other files.

Supported: age recipients, known metadata keys, a selector of plain words, values of type text, no
encrypted comments, and a matching MAC. For anything else, the result is ``Unsupported``, not an
error: sops then decides.
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
"""Comments that sops decrypts, and empty comments, which it turns into values in an encrypted list."""


class Unsupported(Struct, frozen=True):
    """The reason why a document needs the sops binary; it contains no value."""

    reason: str


DecryptedValues: TypeAlias = Mapping[FieldPath, Secret]
"""The decrypted values of a document by their path in the file."""

LeafDecryptor: TypeAlias = Callable[[Any, str], str | None]
"""Decrypts a leaf with its additional data to text; None if that fails."""


def decrypt_in_process(document: Document, keyring: AgeKeyring) -> DecryptedValues | Unsupported:
    """Decrypt all values of a document and verify its MAC.

    The format is that of getsops/sops ``sops.go`` and ``aes/cipher.go`` 3.11: AES-256-GCM with a
    nonce of 32 bytes and the path joined by colons as additional data. The MAC is the SHA-512 of
    all values in order.
    """
    if reason := _explain_unsupported_text(document.text):
        return Unsupported(reason)
    metadata = parse_metadata(document)
    if not isinstance(metadata, SopsMetadata):
        return Unsupported("the sops: block is malformed")
    selector = compile_selector(metadata.selector, metadata.pattern)
    reason = "the selector is not simple" if selector is None else _explain_unsupported_metadata(metadata)
    if reason or selector is None:
        return Unsupported(reason)
    data_key = unwrap_data_key(metadata, keyring)
    if data_key is None:
        return Unsupported("no available age key decrypts it")
    return _DocumentDecryptor(document, _build_leaf_decryptor(data_key), selector).decrypt_leaves(metadata)


def open_data_key(document: Document, keyring: AgeKeyring) -> bytes | None:
    """Return the data key of a document; None if ``keyring`` has no age key for it."""
    metadata = parse_metadata(document) if "sops" in document.tree else None
    return unwrap_data_key(metadata, keyring) if isinstance(metadata, SopsMetadata) else None


def unwrap_data_key(metadata: SopsMetadata, keyring: AgeKeyring) -> bytes | None:
    """Return the data key that an age key of ``keyring`` unwraps; None without such a key."""
    for recipient in metadata.recipients:
        if recipient.name in keyring.recipients:
            if not _ARMOR_PATTERN.fullmatch(recipient.wrapped_key):
                return None
            data_key = keyring.unwrap_data_key(recipient.name, recipient.wrapped_key)
            return data_key if data_key is not None and len(data_key) == _DATA_KEY_BYTES else None
    return None


def _explain_unsupported_text(text: str) -> str:
    if _ENCRYPTED_COMMENT.search(text):
        return "a comment is encrypted or empty"
    if not all(map(_is_simple_flow, _find_bracketed_lines(text))):
        return "a flow list or mapping is not simple"
    return ""


def _find_bracketed_lines(text: str) -> Iterator[str]:
    for bracket in "[{":
        start = text.find(bracket)
        while start >= 0:
            if start and text[start - 1] not in " \t\n":
                start = text.find(bracket, start + 1)
                continue
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            yield text[start:end]
            start = text.find(bracket, end)


def _is_simple_flow(line: str) -> bool:
    # libyaml and go-yaml read some plain scalars in flow style differently, for example those with "?".
    opened, closed = (line.count(pair[0]) + line.count(pair[1]) for pair in ("[{", "]}"))
    return opened == closed and _SIMPLE_FLOW.fullmatch(line.rstrip()) is not None


def _explain_unsupported_metadata(metadata: SopsMetadata) -> str:
    if metadata.key_group_count != 1 or any(recipient.kind != "age" for recipient in metadata.recipients):
        return "there are recipients other than age keys"
    if not all(_AGE_RECIPIENT.fullmatch(recipient.name) for recipient in metadata.recipients):
        return "there are recipients other than plain age keys"
    if metadata.mac_only_encrypted:
        return "the MAC covers encrypted values only"
    if metadata.version[0] != 3:  # noqa: PLR2004
        return "the version of the format is not 3"
    return ""


class _DocumentDecryptor:
    def __init__(self, document: Document, decrypt_leaf: LeafDecryptor, selector: PathSelector) -> None:
        self._document = document
        self._decrypt_leaf = decrypt_leaf
        self._selector = selector
        self._hash = hashlib.sha512()

    def decrypt_leaves(self, metadata: SopsMetadata) -> DecryptedValues | Unsupported:
        secrets: dict[FieldPath, Secret] = {}
        for path, keys, leaf in _walk_leaves(self._document.tree):
            if not self._selector(keys):
                self._hash.update(_encode_for_mac(leaf))
                continue
            value = self._decrypt_leaf(leaf, ":".join(keys) + ":")
            if value is None:
                return Unsupported("a value does not decrypt as text")
            self._hash.update(value.encode())
            secrets[path] = Secret(value)
        mac = self._decrypt_leaf(metadata.mac, metadata.lastmodified) or ""
        matches = hmac.compare_digest(mac.encode(), self._hash.hexdigest().upper().encode())
        return secrets if matches and _MAC_PATTERN.fullmatch(mac) else Unsupported("the MAC does not match")


def _build_leaf_decryptor(data_key: bytes) -> LeafDecryptor:
    # Imported here: a plan without changes decrypts nothing and does not need the import.
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
    # sops neither encrypts nor hashes nulls and empty collections.
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
