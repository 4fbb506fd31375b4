"""The environment of a sops process."""

from keyturn.sops.binary import build_sops_environment

_ALL = {
    "PATH": "/bin", "HOME": "/root", "XDG_CONFIG_HOME": "/c", "SOPS_AGE_KEY": "k", "SOPS_AGE_KEY_FILE": "f",
    "SOPS_AGE_KEY_CMD": "c",
    "GNUPGHOME": "/g", "VAULT_TOKEN": "t", "VAULT_ADDR": "a", "AWS_SECRET_ACCESS_KEY": "s",
    "PLANASONIX_API_KEY": "p",
    "LD_PRELOAD": "x", "SOPS_KEYSERVICE": "tcp://evil", "SOPS_DECRYPTION_ORDER": "pgp", "SOPS_EDITOR": "vi",
    "HTTPS_PROXY": "h",
    "SOPS_CONFIG": "/evil", "SOPS_HC_VAULT_ALLOWLIST": "all", "GOOGLE_CREDENTIALS": "g",
    "AZURE_CLIENT_SECRET": "z",
}  # fmt: skip
_FIXED = {"SOPS_CONFIG": "/dev/null", "SOPS_DISABLE_VERSION_CHECK": "1", "LC_ALL": "C.UTF-8"}


def test_passes_only_the_variables_of_age_and_pgp():
    """Neither API keys, nor cloud credentials, nor variables that control sops are passed."""
    lent = build_sops_environment(_ALL, ("age", "pgp"), ())
    names = ("PATH", "HOME", "XDG_CONFIG_HOME", "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "GNUPGHOME")
    assert lent == {name: _ALL[name] for name in names} | _FIXED | {"SOPS_HC_VAULT_ALLOWLIST": "none"}


def test_passes_no_keys_without_key_types():
    """The version check gets PATH, and HOME for the shim of a version manager."""
    fixed = {"PATH": "/bin", "HOME": "/root"} | _FIXED
    assert build_sops_environment(_ALL, (), ()) == fixed | {"SOPS_HC_VAULT_ALLOWLIST": "none"}


def test_passes_the_variables_of_an_allowed_cloud():
    """Vault gets its own variables and only the servers that policy allows."""
    lent = build_sops_environment(_ALL, ("hc_vault",), ("https://vault.example",))
    assert lent["VAULT_TOKEN"] == "t"
    assert lent["SOPS_HC_VAULT_ALLOWLIST"] == "https://vault.example"
    assert "AWS_SECRET_ACCESS_KEY" not in lent
    assert (
        build_sops_environment(_ALL, ("kms",), ("https://vault.example",))["SOPS_HC_VAULT_ALLOWLIST"]
        == "none"
    )
    assert build_sops_environment(_ALL, ("kms",), ())["AWS_SECRET_ACCESS_KEY"] == "s"
    assert build_sops_environment(_ALL, ("azure_kv",), ())["AZURE_CLIENT_SECRET"] == "z"
    assert build_sops_environment(_ALL, ("gcp_kms",), ())["GOOGLE_CREDENTIALS"] == "g"
