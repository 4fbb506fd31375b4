"""Which keys of a configuration are secret, and the two trees a configuration is kept as."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

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
"""By type of credential: keys known to be secret, keys known to be plain."""

CONSENT = ("refresh_token", "access_token")
"""What the consent of a person leaves in an oauth credential; the service keeps it through every PUT."""

CREDENTIAL_TYPES = tuple(_REGISTRY)
"""The closed list of types that a credential may have."""

_SECRET_LIKE = re.compile(
    r"passw(or)?d|passphrase|secret|token(?!s$)|authorization|credentials?json|serviceaccountjson"
    r"|(private|api|access|account|storage|shared|signing|encryption)key|connectionstring|^sas$|^pwd$"
)
_ABOUT_A_SECRET = re.compile(r"(url|uri|arn|name|id|type|path|endpoint|mode|method|days|expiry)$")


def secret_like(key: str) -> bool:
    """Tell by its name whether a key that no registry knows holds a secret."""
    bare = re.sub(r"[^a-z0-9]", "", key.lower())
    return bool(_SECRET_LIKE.search(bare)) and not _ABOUT_A_SECRET.search(bare)


def split(kind: str, config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a configuration into its plain and its secret tree.

    `kind` is the type of a credential; for a connection, any other word, and names alone decide.
    """
    secret_keys, plain_keys = (words.split() for words in _REGISTRY.get(kind, ("", "")))
    plain: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for key, value in config.items():
        if key in secret_keys or (kind == "api_key" and key.startswith("key_")):
            secret[key] = value
        elif key in plain_keys:
            plain[key] = value
        elif _is_secret(key, value):
            secret[key] = value
        elif isinstance(value, Mapping):
            inner_plain, inner_secret = split("", value)
            plain[key] = inner_plain
            if inner_secret:
                secret[key] = inner_secret
        else:
            plain[key] = value
    return plain, secret


def joined(plain: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the secret tree over the plain one."""
    whole = dict(plain)
    for key, value in secret.items():
        below = whole.get(key)
        whole[key] = (
            joined(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
        )
    return whole


def veiled(secret: Any, veil: str | None) -> Any:
    """Return the secret tree with every leaf replaced by the veil."""
    if isinstance(secret, Mapping):
        return {key: veiled(value, veil) for key, value in secret.items()}
    return veil


def leaves(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """List the leaves of a tree with the path of keys to each."""
    if not isinstance(tree, Mapping):
        return [(path, tree)]
    return [leaf for key, value in tree.items() for leaf in leaves(value, (*path, key))]


def _is_secret(key: str, value: Any) -> bool:
    if isinstance(value, (bool, type(None))):
        return False
    if isinstance(value, list):
        return secret_like(key) or any(_hides_secret(item) for item in value)
    return secret_like(key)


def _hides_secret(item: Any) -> bool:
    if isinstance(item, list):
        return any(_hides_secret(each) for each in item)
    return isinstance(item, Mapping) and bool(split("", item)[1])
