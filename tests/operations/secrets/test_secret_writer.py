"""The writer of secrets: keys, equal secrets, notes."""

import pytest

from keyturn.files.discovery import load_file
from keyturn.manifests.seal_review import SealStatus, reject_broken_seal
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.operations.secrets.secret_writer import SecretWriter
from keyturn.project.project import read_project

FILE = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def project(setup, canary):
    """Return a project with a credential."""
    setup.repo.credential("prod-db", {"password": canary()})
    return read_project(setup.repo.root)


def test_a_key_command_runs_once(setup, project, canary, tmp_path):
    """Its output serves sops, the comparison of data keys and the check of the result."""
    counter = tmp_path / "counter"
    script = tmp_path / "print-key"
    script.write_text(f"#!/bin/sh\necho x >> {counter}\ncat {setup.repo.age.file}\n")
    script.chmod(0o755)
    environment = setup.repo.environment(SOPS_AGE_KEY_CMD=str(script))
    del environment["SOPS_AGE_KEY_FILE"]
    writer = SecretWriter(project, environment)
    written = writer.write_sealed(FILE, {("secrets", "password"): Secret(canary())}, reject_broken_seal)
    assert (written.file, written.notes) == (FILE, ())
    assert counter.read_text() == "x\n"


def test_equal_secrets_are_found_in_manifests_only(setup, project, canary):
    """The key of the repository is no manifest."""
    value = Secret(canary())
    setup.repo.credential("prod-lake", {"password": value.reveal()})
    writer = SecretWriter(project, setup.repo.environment())
    found = writer.find_equal_secrets(value, FILE)
    assert [each.file for each in found] == ["manifests/prod/credentials/prod-lake.yaml"]
    assert writer.find_equal_secrets(value, "manifests/prod/credentials/prod-lake.yaml") == ()
    assert writer.find_equal_secrets(Secret(canary()), FILE) == ()


def test_without_a_key_nothing_is_written(setup, project, canary):
    """The seal cannot be verified."""
    environment = setup.repo.environment()
    del environment["SOPS_AGE_KEY_FILE"]
    before = (setup.repo.root / FILE).read_bytes()
    writer = SecretWriter(project, environment)
    with pytest.raises(DiagnosticError):
        writer.write_sealed(FILE, {("secrets", "password"): Secret(canary())}, reject_broken_seal)
    assert writer.find_equal_secrets(Secret(canary()), "") == ()
    assert (setup.repo.root / FILE).read_bytes() == before


def test_the_review_of_a_file(setup, project):
    """The seal matches."""
    writer = SecretWriter(project, setup.repo.environment())
    assert writer.review_seal(load_file(setup.repo.root, FILE)).status is SealStatus.VALID
