"""Encryption of secrets at rest: AES-256-GCM, one nonce a value, bound to the object that owns it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_PROOF = "proof"


class Vault:
    """Seal and open trees of secrets; the key never enters the database."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, owner: str, secrets: Mapping[str, Any]) -> bytes:
        """Encrypt the secrets of one object; nothing in, nothing out."""
        if not secrets:
            return b""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, json.dumps(secrets).encode(), owner.encode())

    def open(self, owner: str, sealed: bytes) -> dict[str, Any]:
        """Decrypt what `seal` gave; raises cryptography's InvalidTag for another key or owner."""
        if not sealed:
            return {}
        plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode())
        tree: dict[str, Any] = json.loads(plain)
        return tree

    def proof(self) -> bytes:
        """Return a sealed value by which the key can be known again."""
        return self.seal(_PROOF, {_PROOF: True})

    def fits(self, proof: bytes) -> bool:
        """Tell whether a proof was made with this key."""
        try:
            return bool(self.open(_PROOF, proof))
        except InvalidTag:
            return False


def fresh_key() -> bytes:
    """Make a new 256-bit key."""
    return AESGCM.generate_key(bit_length=256)


def key_beside(path: Path) -> bytes:
    """Read the key kept in a file of 64 hexadecimal digits, mode 0600; make it if it is absent."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh_key().hex() + "\n")
    return bytes.fromhex(path.read_text(encoding="ascii").strip())
