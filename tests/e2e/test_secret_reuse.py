"""Secrets that were used before, or that two credentials share."""

import json

import pytest

from git_history import commit_all, run_git


@pytest.fixture
def rotated(setup, canary):
    """Return a setup whose credential was rotated, both states committed."""
    (setup.repo.root / ".gitignore").write_text(".keyturn/prod/\n")
    commit_of(setup, "prod-db", canary())
    assert setup.run("apply", "--yes").code == 0
    commit_of(setup, "prod-db", canary())
    assert setup.run("apply", "--yes").code == 0
    return setup


def commit_of(setup, name, secret):
    """Commit a credential with a secret."""
    setup.repo.credential(name, {"password": secret})
    setup.repo.connection("prod-pg", "prod-db")
    commit_all(setup)


def test_a_revert_is_a_reuse_and_needs_consent(rotated):
    """An old file is restored; nothing is written without consent."""
    run_git(rotated, "revert", "--no-edit", "HEAD")
    shown = rotated.run("plan", "--format", "json")
    states = [each["state"] for each in json.loads(shown.stdout)["secrets"]]
    assert states == ["reused"]
    writes = rotated.count_writes()
    refused = rotated.run("apply", "--yes")
    assert refused.code == 5
    assert "KT459" in refused.stderr + refused.stdout
    assert "--allow-reuse prod-db" in " ".join((refused.stderr + refused.stdout).split())
    assert rotated.run("apply", "--yes", "--allow-reuse", "another").code == 5
    assert rotated.count_writes() == writes
    done = rotated.run("apply", "--yes", "--allow-reuse", "prod-db")
    assert done.code == 0, done.stderr
    assert rotated.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(("environment", "code", "number"), [("prod", 0, "KT362"), ("dev", 5, "KT361")])
def test_one_secret_in_two_credentials(setup, canary, environment, code, number):
    """Within one environment it is a note; across two it is an error."""
    secret = canary()
    setup.repo.credential("one", {"password": secret}, labels={"environment": "prod"})
    setup.repo.credential("two", {"password": secret}, labels={"environment": environment})
    done = setup.run("plan", "--format", "json")
    found = {each["code"]: each for each in json.loads(done.stdout)["findings"]}
    assert number in found
    writes = setup.count_writes()
    ended = setup.run("apply", "--yes")
    assert ended.code == code, ended.stderr
    assert (setup.count_writes() > writes) == (code == 0)
