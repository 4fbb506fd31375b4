"""Encryption of secrets at rest."""

import stat

import pytest
from cryptography.exceptions import InvalidTag

from planasonix_emulator.vault import Vault, fresh_key, key_beside


def test_what_is_sealed_can_be_opened(canary):
    """A tree of secrets comes back as it went in, and its sealed form differs every time."""
    vault, secret = Vault(fresh_key()), {"password": canary(), "headers": {"X-Key": canary()}}
    sealed = vault.seal("cred_1", secret)
    assert vault.open("cred_1", sealed) == secret
    assert sealed != vault.seal("cred_1", secret)
    assert vault.open("cred_1", vault.seal("cred_1", {})) == {}


def test_another_key_or_owner_opens_nothing(canary):
    """A sealed value is bound to its key and to the object that owns it."""
    vault = Vault(fresh_key())
    sealed = vault.seal("cred_1", {"password": canary()})
    with pytest.raises(InvalidTag):
        vault.open("cred_2", sealed)
    with pytest.raises(InvalidTag):
        Vault(fresh_key()).open("cred_1", sealed)
    assert vault.fits(vault.proof())
    assert not Vault(fresh_key()).fits(vault.proof())


def test_a_key_is_made_once_and_kept_private(tmp_path):
    """The key's file is made when absent, for its owner alone, and then read."""
    file = tmp_path / "db.key"
    key = key_beside(file)
    assert len(key) == 32
    assert key_beside(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
