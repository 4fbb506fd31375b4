"""Decryption of the secrets that a plan may write."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.operations.plan.secret_loader import SecretLoader
from sample_resources import is_decrypted, make_inputs


@pytest.fixture
def loaded(setup, run, canary):
    """Return a secret loader and the encrypted manifests of two credentials."""
    for name in ("prod-a", "prod-b"):
        setup.repo.credential(name, {"password": canary()})
    loader = SecretLoader.for_run(run)
    return loader, loader.load_manifests().desired


def test_loading_decrypts_nothing(loaded):
    """Every secret stays encrypted."""
    _, desired = loaded
    assert not any(isinstance(value, Secret) for each in desired for value in each.secrets.values())


def test_new_secrets_are_decrypted_and_fingerprinted(loaded):
    """A fingerprint covers the address, so equal secrets have different fingerprints."""
    loader, desired = loaded
    decrypted = loader.decrypt_secrets(make_inputs(*desired))
    assert all(is_decrypted(each) for each in decrypted.desired.values())
    assert set(decrypted.fingerprints) == {each.address for each in desired}
    assert len({str(fingerprints) for fingerprints in decrypted.fingerprints.values()}) == 2


def test_the_key_is_read_only_if_needed(setup, loaded, begin):
    """A plan without changes needs no key."""
    (setup.repo.root / ".keyturn/fingerprint.yaml").unlink()
    loader = SecretLoader.for_run(begin())
    empty = make_inputs()
    assert loader.decrypt_secrets(empty) is empty
    with pytest.raises(DiagnosticError) as caught:
        loader.decrypt_secrets(make_inputs(*loaded[1]))
    assert caught.value.diagnostics[0].code == "KT040"


def test_the_repositorys_key_is_read_once(setup, loaded):
    """A second read needs no file."""
    loader, _ = loaded
    key = loader.read_root_key()
    (setup.repo.root / ".keyturn/fingerprint.yaml").unlink()
    assert loader.read_root_key() == key
    assert loader.derive_fingerprint_key() != key


def test_all_errors_of_manifests_are_raised_together(setup, begin):
    """Two connections without their credential."""
    setup.repo.connection("prod-x", "nobody")
    setup.repo.connection("prod-y", "nobody")
    with pytest.raises(DiagnosticError) as caught:
        SecretLoader.for_run(begin()).load_manifests()
    assert [each.code for each in caught.value.diagnostics if each.code == "KT401"] == ["KT401", "KT401"]
