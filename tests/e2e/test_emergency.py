"""Break glass, and the end of a credential."""

import shutil

import pytest


def live(office, collection="credentials"):
    """Return the active objects of a collection by name."""
    found = office.service.read_state()[collection]
    return {each["name"]: each for each in found if each.get("status") != "deleted"}


def settled(office, canary):
    """Apply a credential with its connection."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    assert office.repo.inside("apply", "--auto-approve").code == 0


def test_revoke_detaches_and_deletes(office, canary):
    """The credential is gone from every connection and from the list."""
    settled(office, canary)
    done = office.repo.inside("revoke", "prod-db", "--yes")
    assert done.code == 0, done.stderr
    assert live(office) == {}
    assert not live(office, "connections")["prod-pg"].get("credentialId")


def _state_torn(office):
    (office.repo.root / ".keyturn/prod/state.json").write_text("broken")


def _state_lost(office):
    shutil.rmtree(office.repo.root / ".keyturn")


def _journal_forged(office):
    journal = office.repo.root / ".keyturn/prod/journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"hash":"', b'"hash":"0', 1))


def _bucket_away(office):
    office.repo.project(state="s3://nowhere/prod")


BROKEN = [_state_torn, _state_lost, _journal_forged, _bucket_away]
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nobody",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__.strip("_"))
def test_revoke_works_whatever_else_is_broken(office, canary, broken):
    """Only keyturn.yaml and the API are needed: no manifest that can be read, and no state either."""
    settled(office, canary)
    (office.repo.root / "manifests/prod/credentials/prod-db.yaml").write_text("{{{ broken")
    broken(office)
    done = office.repo.inside("revoke", "prod-db", "--yes", env=office.repo.environment(**NOWHERE))
    assert done.code == 0, done.stderr
    assert live(office) == {}
    assert not live(office, "connections")["prod-pg"].get("credentialId")


def test_what_was_revoked_does_not_come_back_unasked(office, canary):
    """The next apply refuses; with consent it restores."""
    settled(office, canary)
    office.repo.inside("revoke", "prod-db", "--yes")
    refused = office.repo.inside("apply", "--auto-approve")
    assert refused.code == 5
    assert "KT469" in refused.stderr
    assert live(office) == {}
    assert office.repo.inside("apply", "--auto-approve", "--allow-restore", "prod-db").code == 0
    assert live(office, "connections")["prod-pg"]["credentialId"] == live(office)["prod-db"]["id"]


def test_a_name_that_is_not_there_is_said(office):
    """A typing mistake at three in the morning must not look like success."""
    done = office.repo.inside("revoke", "prod-dbb", "--yes")
    assert done.code == 1
    assert "KT470" in done.stderr


def test_purge_is_a_second_step(office, canary):
    """In use: refused. Retired: purged, and forgotten."""
    settled(office, canary)
    office.repo.credential(
        "prod-other",
        {"password": canary()},
        {"engine": "mysql", "host": "my.example.com", "port": 3306, "username": "svc"},
    )
    assert office.repo.inside("purge", "prod-db", "--confirm", "prod-db").code == 1
    office.repo.remove("prod-db", "prod-pg")
    assert office.repo.inside("apply", "--auto-approve", "--allow-retire", "2").code == 0
    assert office.repo.keyturn("purge", "prod-db", "--confirm", "prod-dbb").code == 64
    done = office.repo.inside("purge", "prod-db", "--confirm", "prod-db")
    assert done.code == 0, done.stderr
    assert [each["name"] for each in office.service.read_state()["credentials"]] == ["prod-other"]
    assert office.repo.inside("plan", "--detailed-exitcode").code == 0
