"""What of the user's environment a sops child gets: PATH, the way to its keys, and nothing else."""

from collections.abc import Iterable, Mapping
from typing import Final

_FIXED_VARIABLES: Final = {
    "SOPS_CONFIG": "/dev/null",
    "SOPS_DISABLE_VERSION_CHECK": "1",
    "LC_ALL": "C.UTF-8",
}
_NETWORK_VARIABLES: Final = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
_KEY_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "age": (
        "SOPS_AGE_KEY",
        "SOPS_AGE_KEY_FILE",
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
        "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
        "XDG_CONFIG_HOME",
        "HOME",
    ),
    "pgp": ("GNUPGHOME", "SOPS_GPG_EXEC", "GPG_TTY", "HOME"),
    "kms": ("HOME", *_NETWORK_VARIABLES),
    "gcp_kms": ("HOME", "SOPS_GCP_KMS_CLIENT_TYPE", "SOPS_GCP_KMS_ENDPOINT", *_NETWORK_VARIABLES),
    "azure_kv": ("HOME", "MSI_ENDPOINT", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", *_NETWORK_VARIABLES),
    "hc_vault": ("HOME", *_NETWORK_VARIABLES),
    "hckms": ("HOME", *_NETWORK_VARIABLES),
}
_KEY_VARIABLE_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "kms": ("AWS_",),
    "gcp_kms": ("GOOGLE_", "CLOUDSDK_"),
    "azure_kv": ("AZURE_",),
    "hc_vault": ("VAULT_",),
    "hckms": ("HUAWEICLOUD_",),
}


def build_sops_environment(
    environment: Mapping[str, str], key_types: Iterable[str], servers: Iterable[str]
) -> dict[str, str]:
    """Return the environment of a sops child that may use keys of ``key_types``.

    HOME is among them, because sops looks there for age keys and gpg for its keyring.
    SOPS_AGE_KEY_CMD is not: ``keys.keyring`` asks it once, and puts the answer in its place.
    ``servers`` are the Vault addresses that it may talk to; none means none.
    """
    allowed = tuple(key_types)
    names = {"PATH"}.union(*(_KEY_VARIABLES.get(kind, ()) for kind in allowed))
    prefixes = tuple(prefix for kind in allowed for prefix in _KEY_VARIABLE_PREFIXES.get(kind, ()))
    lent = {
        name: value
        for name, value in environment.items()
        if name in names or (prefixes and name.startswith(prefixes))
    }
    vaults = ",".join(servers) if "hc_vault" in allowed else ""
    return lent | _FIXED_VARIABLES | {"SOPS_HC_VAULT_ALLOWLIST": vaults or "none"}
