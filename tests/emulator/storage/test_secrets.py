"""Encryption of secrets at rest."""

import stat

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from planasonix_emulator.storage.secrets import (
    CREDENTIAL_TYPES,
    SecretCipher,
    generate_key,
    is_secret_name,
    list_leaves,
    load_key,
    mask_secrets,
    merge_secrets,
    split_secrets,
)


def test_what_is_sealed_can_be_opened(canary):
    """Decryption returns the encrypted secrets; each encryption differs."""
    cipher, secret = SecretCipher(generate_key()), {"password": canary(), "headers": {"X-Key": canary()}}
    encrypted = cipher.encrypt("cred_1", secret)
    assert cipher.decrypt("cred_1", encrypted) == secret
    assert encrypted != cipher.encrypt("cred_1", secret)
    assert cipher.decrypt("cred_1", cipher.encrypt("cred_1", {})) == {}


def test_another_key_or_owner_opens_nothing(canary):
    """An encrypted value can be decrypted only with its key and its owner."""
    cipher = SecretCipher(generate_key())
    encrypted = cipher.encrypt("cred_1", {"password": canary()})
    with pytest.raises(InvalidTag):
        cipher.decrypt("cred_2", encrypted)
    with pytest.raises(InvalidTag):
        SecretCipher(generate_key()).decrypt("cred_1", encrypted)
    assert cipher.is_own_proof(cipher.make_proof())
    assert not SecretCipher(generate_key()).is_own_proof(cipher.make_proof())


def test_a_key_is_made_once_and_kept_private(tmp_path):
    """A missing key file is created with mode 0600, and then read."""
    file = tmp_path / "db.key"
    key = load_key(file)
    assert len(key) == 32
    assert load_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


SECRET = (
    "password passwd dbPassword client_secret clientSecret api_key apiKey access_token refreshToken "
    "private_key privateKeyPassphrase account_key storage_key sas connection_string Authorization "
    "service_account_json X-Api-Key signing_key sasToken secret_access_key"
)
PLAIN = (
    "host port username client_id token_url secret_arn max_tokens access_key_id tokenEndpoint region "
    "sslMode bucket primary_key partitionKey key path auth_type keyId password_expiry tokenType"
)


@pytest.mark.parametrize("key", SECRET.split())
def test_names_that_hold_secrets(key):
    """Usual names of secrets are recognised in any spelling."""
    assert is_secret_name(key)


@pytest.mark.parametrize("key", PLAIN.split())
def test_names_that_only_sound_so(key):
    """Names of attributes of a secret, and other names, are plain."""
    assert not is_secret_name(key)


@pytest.mark.parametrize(
    ("kind", "plain", "secret"),
    [
        (
            "aws",
            {"region", "role_arn", "access_key_id"},
            {"secret_access_key", "session_token", "external_id"},
        ),
        ("azure", {"tenant_id", "client_id"}, {"client_secret", "certificate", "account_key", "sas_token"}),
        ("gcp", {"project_id", "workload_identity_config"}, {"service_account_json"}),
        ("database", {"host", "username", "known_hosts"}, {"password", "ssh_private_key", "ssh_passphrase"}),
        ("api_key", {"base_url"}, {"api_key", "api_secret", "headers", "key_tenant"}),
        ("oauth", {"client_id", "scopes", "token_url"}, {"client_secret", "refresh_token"}),
        ("password", {"username"}, {"password"}),
    ],
)
def test_each_type_of_credential(kind, plain, secret):
    """Each of the seven types has its own secret and plain keys."""
    assert kind in CREDENTIAL_TYPES
    parts = split_secrets(kind, dict.fromkeys(plain | secret, "x"))
    assert (set(parts[0]), set(parts[1])) == (plain, secret)


def test_secrets_within_settings():
    """A secret is found at any depth; a list that contains a secret is secret."""
    plain, secret = split_secrets(
        "",
        {"a": {"b": {"token": "t", "c": 1}}, "list": [{"password": "p"}], "plain": [{"x": 1}], "token": True},
    )
    assert plain == {"a": {"b": {"c": 1}}, "plain": [{"x": 1}], "token": True}
    assert secret == {"a": {"b": {"token": "t"}}, "list": [{"password": "p"}]}


KEYS = st.sampled_from(["host", "password", "nested", "token", "headers", "list"])
TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda below: st.one_of(st.dictionaries(KEYS, below), st.lists(below, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, TREES), st.sampled_from(["", *CREDENTIAL_TYPES]))
def test_splitting_and_merging_return_the_configuration(config, kind):
    """Splitting and merging a configuration returns the same configuration."""
    assert merge_secrets(*split_secrets(kind, config)) == config


def test_masking_replaces_each_leaf():
    """Masked secrets keep their keys and nothing else."""
    assert mask_secrets({"a": "x", "b": {"c": ["y"]}}, "***") == {"a": "***", "b": {"c": "***"}}
    assert list_leaves({"a": "x", "b": {"c": 1}}) == [(("a",), "x"), (("b", "c"), 1)]
