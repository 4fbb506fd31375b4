"""Revoking and purging credentials."""

import shutil

import pytest


def live(setup, collection="credentials"):
    """Return the active objects of a collection by name."""
    found = setup.service.read_state()[collection]
    return {each["name"]: each for each in found if each.get("status") != "deleted"}


def applied_setup(setup, canary):
    """Apply a credential with its connection."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0


def test_revoke_detaches_and_deletes(setup, canary):
    """The credential is gone from every connection and from the list."""
    applied_setup(setup, canary)
    done = setup.repo.run_in_process("revoke", "prod-db", "--yes")
    assert done.code == 0, done.stderr
    assert live(setup) == {}
    assert not live(setup, "connections")["prod-pg"].get("credentialId")


def _state_torn(setup):
    (setup.repo.root / ".keyturn/prod/state.json").write_text("broken")


def _state_lost(setup):
    shutil.rmtree(setup.repo.root / ".keyturn")


def _journal_forged(setup):
    journal = setup.repo.root / ".keyturn/prod/journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"hash":"', b'"hash":"0', 1))


def _bucket_away(setup):
    setup.repo.project(state="s3://nowhere/prod")


BROKEN = [_state_torn, _state_lost, _journal_forged, _bucket_away]
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nobody",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__.strip("_"))
def test_revoke_needs_only_the_project_file_and_the_api(setup, canary, broken):
    """Revoke works without a readable manifest and without state."""
    applied_setup(setup, canary)
    (setup.repo.root / "manifests/prod/credentials/prod-db.yaml").write_text("{{{ broken")
    broken(setup)
    done = setup.repo.run_in_process("revoke", "prod-db", "--yes", env=setup.repo.environment(**NOWHERE))
    assert done.code == 0, done.stderr
    assert live(setup) == {}
    assert not live(setup, "connections")["prod-pg"].get("credentialId")


def test_a_revoked_credential_is_restored_only_with_consent(setup, canary):
    """The next apply fails without consent and restores with it."""
    applied_setup(setup, canary)
    setup.repo.run_in_process("revoke", "prod-db", "--yes")
    refused = setup.repo.run_in_process("apply", "--auto-approve")
    assert refused.code == 5
    assert "KT469" in refused.stderr
    assert live(setup) == {}
    assert setup.repo.run_in_process("apply", "--auto-approve", "--allow-restore", "prod-db").code == 0
    assert live(setup, "connections")["prod-pg"]["credentialId"] == live(setup)["prod-db"]["id"]


def test_revoke_of_an_unknown_name_fails(setup):
    """A misspelt name must not look like success."""
    done = setup.repo.run_in_process("revoke", "prod-dbb", "--yes")
    assert done.code == 1
    assert "KT470" in done.stderr


def test_purge_needs_a_retired_credential(setup, canary):
    """In use: refused. Retired: purged, and forgotten."""
    applied_setup(setup, canary)
    setup.repo.credential(
        "prod-other",
        {"password": canary()},
        {"engine": "mysql", "host": "my.example.com", "port": 3306, "username": "svc"},
    )
    assert setup.repo.run_in_process("purge", "prod-db", "--confirm", "prod-db").code == 1
    setup.repo.remove("prod-db", "prod-pg")
    assert setup.repo.run_in_process("apply", "--auto-approve", "--allow-retire", "2").code == 0
    assert setup.repo.keyturn("purge", "prod-db", "--confirm", "prod-dbb").code == 64
    done = setup.repo.run_in_process("purge", "prod-db", "--confirm", "prod-db")
    assert done.code == 0, done.stderr
    assert [each["name"] for each in setup.service.read_state()["credentials"]] == ["prod-other"]
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 0
