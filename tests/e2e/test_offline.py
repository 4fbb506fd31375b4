"""Offline plans without keys, made from ciphertext and metadata alone."""

import json
import subprocess

import pyrage
import pytest

from git_history import commit_all, make_keyless_environment, run_git


@pytest.fixture
def branch(setup, canary):
    """Return a setup with a committed base on main, on a branch of its own."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    commit_all(setup)
    run_git(setup, "checkout", "-q", "-b", "change")
    return setup


def offline(setup, *more, code=0):
    """Plan offline without any key; return the JSON form."""
    done = setup.repo.keyturn(
        "plan", "--offline", "--format", "json", *more, env=make_keyless_environment(setup)
    )
    assert done.code == code, done.stderr
    return json.loads(done.stdout)


def test_nothing_changed_needs_no_key_and_no_network(branch):
    """An untouched branch has no changes, and the service sees no request."""
    before = len(branch.service.list_requests())
    assert offline(branch)["resource_changes"] == []
    assert len(branch.service.list_requests()) == before


def test_a_new_ciphertext_is_a_rotation(branch, canary):
    """With the same data key, a different ciphertext means a new secret."""
    new = canary()
    done = branch.repo.keyturn("secret", "set", "prod-db", "password", stdin=new)
    assert done.code == 0, done.stderr
    (change,) = offline(branch)["resource_changes"]
    assert change["address"] == "credential/prod-db"
    states = {each["path"]: each["state"] for each in offline(branch)["secrets"]}
    assert states == {"password": "rotated"}


def test_a_new_data_key_makes_secrets_unknown(branch, canary):
    """The plan says why it cannot compare the secrets."""
    branch.repo.credential("prod-db", {"password": canary()})
    shown = branch.repo.keyturn("plan", "--offline", env=make_keyless_environment(branch))
    assert shown.code == 0, shown.stderr
    assert "the file has a new data key" in " ".join(shown.stdout.split())


def test_a_new_host_with_the_old_secret_is_an_exposure(branch):
    """The plan of a fork shows the exposure without a key."""
    path = branch.repo.root / "manifests/prod/connections/prod-pg.yaml"
    path.write_text(path.read_text().replace("db.example.com", "evil.example.com"))
    assert [each["address"] for each in offline(branch, code=5)["exposures"]] == ["credential/prod-db"]
    done = branch.repo.keyturn(
        "plan", "--offline", "--fail-on", "exposure", env=make_keyless_environment(branch)
    )
    assert done.code == 5


def test_a_new_recipient_is_an_access_change(branch, sops):
    """The plan lists who can decrypt a file from now on."""
    other = str(pyrage.x25519.Identity.generate().to_public())
    path = branch.repo.root / "manifests/prod/credentials/prod-db.yaml"
    subprocess.run(
        [str(sops), "--config", "/dev/null", "rotate", "-i", "--add-age", other, str(path)],
        check=True,
        capture_output=True,
        env={**branch.repo.environment()},
    )
    access = offline(branch)["access"]
    assert any(other in each["message"] for each in access)


def test_a_changed_project_limit_is_an_access_change(branch):
    """The plan lists a limit that a pull request raises."""
    branch.repo.project(policy={"limits": {"retire": {"count": 500, "percent": 100}}})
    assert any("policy.limits" in each["message"] for each in offline(branch)["access"])


def test_a_missing_base_is_an_error_with_a_fix(setup, canary):
    """Outside git there is no base."""
    setup.repo.credential("prod-db", {"password": canary()})
    done = setup.repo.keyturn("plan", "--offline", env=make_keyless_environment(setup))
    assert done.code == 1
    assert "KT007" in done.stderr


@pytest.mark.parametrize(
    "event",
    [
        {"GITHUB_EVENT_NAME": "pull_request_target"},
        {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": "/nonexistent"},
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "fork/x", "CI_PROJECT_PATH": "acme/x"},
    ],
)
def test_an_untrusted_event_uses_no_keys(branch, event):
    """The plan sends no request and starts no sops."""
    before = len(branch.service.list_requests())
    done = branch.repo.keyturn("plan", env=branch.repo.environment(**event))
    assert done.code == 5
    assert "KT031" in done.stderr
    assert len(branch.service.list_requests()) == before
    assert (
        branch.repo.keyturn("plan", "--offline", env={**make_keyless_environment(branch), **event}).code == 0
    )


def test_a_plan_with_keys_shows_access_changes(branch):
    """The base is the fork point or a named revision; outside git there is none."""
    branch.repo.project(policy={"limits": {"retire": {"count": 500, "percent": 100}}})
    for more in ((), ("--base", "main")):
        done = branch.run("plan", "--format", "json", *more)
        assert done.code == 0, done.stderr
        assert any("policy.limits" in each["message"] for each in json.loads(done.stdout)["access"])
    assert branch.run("plan", "--fail-on", "access").code == 5
    assert branch.run("plan", "--base", "nowhere").code == 1
    (branch.repo.root / ".git").rename(branch.repo.root.parent / "moved")
    assert json.loads(branch.run("plan", "--format", "json").stdout)["access"] == []
