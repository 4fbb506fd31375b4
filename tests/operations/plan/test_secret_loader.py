"""Secrets are opened only where a write may follow."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.operations.plan.secret_loader import SecretLoader
from making import is_decrypted, sides


@pytest.fixture
def loaded(office, run, canary):
    """Return an opener and the sealed manifests of two credentials."""
    for name in ("prod-a", "prod-b"):
        office.repo.credential(name, {"password": canary()})
    opener = SecretLoader.for_run(run)
    return opener, opener.load_manifests().desired


def test_loading_opens_nothing(loaded):
    """Sealed, all of them."""
    _, desired = loaded
    assert not any(isinstance(value, Secret) for each in desired for value in each.secrets.values())


def test_what_is_new_is_opened_and_fingerprinted(loaded):
    """Each under its own name, so that equal secrets have different fingerprints."""
    opener, desired = loaded
    opened = opener.decrypt_secrets(sides(*desired))
    assert all(is_decrypted(each) for each in opened.desired.values())
    assert set(opened.fingerprints) == {each.address for each in desired}
    assert len({str(prints) for prints in opened.fingerprints.values()}) == 2


def test_nothing_to_open_reads_no_key(office, loaded, begin):
    """A plan without changes needs none."""
    (office.repo.root / ".keyturn/fingerprint.yaml").unlink()
    opener = SecretLoader.for_run(begin())
    empty = sides()
    assert opener.decrypt_secrets(empty) is empty
    with pytest.raises(DiagnosticError) as caught:
        opener.decrypt_secrets(sides(*loaded[1]))
    assert caught.value.diagnostics[0].code == "KT040"


def test_the_repositorys_key_is_read_once(office, loaded):
    """Then the file may be gone."""
    opener, _ = loaded
    key = opener.read_root_key()
    (office.repo.root / ".keyturn/fingerprint.yaml").unlink()
    assert opener.read_root_key() == key
    assert opener.derive_fingerprint_key() != key


def test_wrong_manifests_are_told_together(office, begin):
    """All of the errors at once."""
    office.repo.connection("prod-x", "nobody")
    office.repo.connection("prod-y", "nobody")
    with pytest.raises(DiagnosticError) as caught:
        SecretLoader.for_run(begin()).load_manifests()
    assert [each.code for each in caught.value.diagnostics if each.code == "KT401"] == ["KT401", "KT401"]
