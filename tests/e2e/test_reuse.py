"""A value that was in use before, or that another credential uses, is noticed without being known."""

import json

import pytest

from driving_git import commit, git


@pytest.fixture
def rotated(office, canary):
    """Return an office whose credential was rotated, both states committed."""
    (office.repo.root / ".gitignore").write_text(".keyturn/prod/\n")
    commit_of(office, "prod-db", canary())
    assert office.here("apply", "--yes").code == 0
    commit_of(office, "prod-db", canary())
    assert office.here("apply", "--yes").code == 0
    return office


def commit_of(office, name, secret):
    """Commit a credential with a secret."""
    office.repo.credential(name, {"password": secret})
    office.repo.connection("prod-pg", "prod-db")
    commit(office)


def test_a_revert_is_a_reuse_and_needs_consent(rotated):
    """An old valid file comes back; nothing is written until somebody agrees by name."""
    git(rotated, "revert", "--no-edit", "HEAD")
    shown = rotated.here("plan", "--format", "json")
    states = [each["state"] for each in json.loads(shown.stdout)["secrets"]]
    assert states == ["reused"]
    writes = rotated.writes()
    refused = rotated.here("apply", "--yes")
    assert refused.code == 5
    assert "KT459" in refused.stderr + refused.stdout
    assert "--allow-reuse prod-db" in " ".join((refused.stderr + refused.stdout).split())
    assert rotated.here("apply", "--yes", "--allow-reuse", "another").code == 5
    assert rotated.writes() == writes
    done = rotated.here("apply", "--yes", "--allow-reuse", "prod-db")
    assert done.code == 0, done.stderr
    assert rotated.here("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(("environment", "code", "number"), [("prod", 0, "KT362"), ("dev", 5, "KT361")])
def test_one_secret_in_two_credentials(office, canary, environment, code, number):
    """Within an environment it is noted; across two it is refused."""
    secret = canary()
    office.repo.credential("one", {"password": secret}, labels={"environment": "prod"})
    office.repo.credential("two", {"password": secret}, labels={"environment": environment})
    done = office.here("plan", "--format", "json")
    found = {each["code"]: each for each in json.loads(done.stdout)["findings"]}
    assert number in found
    writes = office.writes()
    ended = office.here("apply", "--yes")
    assert ended.code == code, ended.stderr
    assert (office.writes() > writes) == (code == 0)
