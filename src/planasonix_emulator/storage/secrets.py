"""Secrets: which values of a configuration are secret, and how the emulator encrypts them.

The encryption is AES-256-GCM with a new nonce for each value. The id of the owning object is
authenticated with the value. The key is never in the database.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MASK = "********"

_REGISTRY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "aws": ("secret_access_key session_token external_id", "region role_arn access_key_id"),
        "azure": (
            """client_secret certificate certificate_password account_key storage_key connection_string
            sas_token""",
            "tenant_id client_id managed_identity_client_id storage_account",
        ),
        "gcp": ("service_account_json", "project_id client_email workload_identity_config"),
        "database": (
            "password private_key private_key_passphrase ssh_private_key ssh_passphrase",
            """engine host port database username warehouse role ssh_host ssh_port ssh_username
            known_hosts""",
        ),
        "api_key": ("api_key api_secret headers", ""),
        "oauth": (
            "client_secret refresh_token access_token",
            "client_id scopes authorization_url token_url redirect_uri",
        ),
        "password": ("password", "username"),
    }
)
"""The secret keys and the plain keys of each type of credential."""

CONSENT_FIELDS = ("refresh_token", "access_token")
"""The values that a user's consent adds to an oauth credential; a PUT keeps them."""

CREDENTIAL_TYPES = tuple(_REGISTRY)
"""The allowed types of a credential."""

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token(?!s$)|authorization|credentials?json|serviceaccountjson"
    r"|(private|api|access|account|storage|shared|signing|encryption)key|connectionstring|^sas$|^pwd$"
)
_SECRET_ATTRIBUTE = re.compile(r"(url|uri|arn|name|id|type|path|endpoint|mode|method|days|expiry)$")

_NONCE_BYTES = 12
_PROOF = "proof"


class SecretCipher:
    """Encrypt and decrypt the secrets of objects with a 256-bit key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, owner: str, secrets: Mapping[str, Any]) -> bytes:
        """Encrypt the secrets of one object; returns empty bytes if there are none."""
        if not secrets:
            return b""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(secrets).encode(), owner.encode())

    def decrypt(self, owner: str, encrypted: bytes) -> dict[str, Any]:
        """Decrypt the result of `encrypt`; raises InvalidTag for another key or owner."""
        if not encrypted:
            return {}
        plain = self._cipher.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], owner.encode())
        tree: dict[str, Any] = json.loads(plain)
        return tree

    def make_proof(self) -> bytes:
        """Return an encrypted constant that identifies the key."""
        return self.encrypt(_PROOF, {_PROOF: True})

    def is_own_proof(self, proof: bytes) -> bool:
        """Return whether a proof was made with this key."""
        try:
            return bool(self.decrypt(_PROOF, proof))
        except InvalidTag:
            return False


def generate_key() -> bytes:
    """Generate a 256-bit key."""
    return AESGCM.generate_key(bit_length=256)


def load_key(path: Path) -> bytes:
    """Read a key from a file of 64 hexadecimal digits; create the file with mode 0600 if it is missing."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(generate_key().hex() + "\n")
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def is_secret_name(key: str) -> bool:
    """Return whether a key that no registry lists names a secret."""
    bare = re.sub(r"[^a-z0-9]", "", key.lower())
    return bool(_SECRET_NAME.search(bare)) and not _SECRET_ATTRIBUTE.search(bare)


def split_secrets(kind: str, config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a configuration into its plain tree and its secret tree.

    `kind` is the type of a credential. For any other word, as for a connection, only the names decide.
    """
    secret_keys, plain_keys = (words.split() for words in _REGISTRY.get(kind, ("", "")))
    plain: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for key, value in config.items():
        if key in secret_keys or (kind == "api_key" and key.startswith("key_")):
            secret[key] = value
        elif key in plain_keys:
            plain[key] = value
        elif _is_secret_value(key, value):
            secret[key] = value
        elif isinstance(value, Mapping):
            inner_plain, inner_secret = split_secrets("", value)
            plain[key] = inner_plain
            if inner_secret:
                secret[key] = inner_secret
        else:
            plain[key] = value
    return plain, secret


def merge_secrets(plain: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the secret tree into the plain tree."""
    merged = dict(plain)
    for key, value in secret.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge_secrets(below, value)
        else:
            merged[key] = value
    return merged


def mask_secrets(secret: Any, mask: str | None) -> Any:
    """Return the secret tree with the mask in place of each leaf."""
    if isinstance(secret, Mapping):
        return {key: mask_secrets(value, mask) for key, value in secret.items()}
    return mask


def list_leaves(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Return the path and the value of each leaf of a tree."""
    if not isinstance(tree, Mapping):
        return [(path, tree)]
    return [leaf for key, value in tree.items() for leaf in list_leaves(value, (*path, key))]


def _is_secret_value(key: str, value: Any) -> bool:
    if isinstance(value, (bool, type(None))):
        return False
    if isinstance(value, list):
        return is_secret_name(key) or any(_contains_secret(item) for item in value)
    return is_secret_name(key)


def _contains_secret(item: Any) -> bool:
    if isinstance(item, list):
        return any(_contains_secret(each) for each in item)
    return isinstance(item, Mapping) and bool(split_secrets("", item)[1])
