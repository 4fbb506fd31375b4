"""The ages of secrets from git and from the state."""

import os
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from git_history import run_git
from keyturn.manifests.loader import load_manifests
from keyturn.operations.plan.validate import SecretAges, rotation_dates_from_state, secret_ages
from keyturn.project.project import read_project
from sample_resources import make_inputs, make_state_entry

TODAY = date(2026, 3, 1)
KEYS = {"region": "eu-west-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE"}
FILE = "manifests/prod/credentials/prod-db.yaml"


def secrets(canary):
    """Return the two secrets of an AWS key."""
    return {"secret_access_key": canary(), "session_token": canary()}


@pytest.fixture
def aged(setup, canary):
    """Return a function that computes the ages of a repository whose secrets were committed in 2025."""
    repo = setup.repo
    repo.credential("prod-db", secrets(canary), KEYS, type="aws")
    old = setup.repo.environment() | dict.fromkeys(
        ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2025-10-01T00:00Z"
    )
    past = SimpleNamespace(repo=SimpleNamespace(root=repo.root, environment=lambda: old))
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        run_git(past, *words)

    def compute(known=None, policy=None, **environment):
        repo.project(policy={"rotation": {"max_age": "90d"}} | (policy or {}))
        project = read_project(repo.root)
        loaded = load_manifests(project, project.find_workspace(""))
        return secret_ages(project, loaded.resource_views, known or {}, TODAY, os.environ | environment)

    return compute


def test_git_has_dates_that_the_state_lacks(aged):
    """Secrets of the same date have one entry."""
    assert aged() == SecretAges(today=TODAY, rotated={FILE: {(): date(2025, 10, 1)}})


def test_the_state_overrides_git(aged):
    """It has the date of the last rotation."""
    known = {FILE: {(): TODAY - timedelta(1)}}
    assert aged(known) == SecretAges(today=TODAY, rotated=known)


def test_each_secret_has_its_own_date(aged, setup, canary):
    """An uncommitted secret has the date of today."""
    path = setup.repo.root / FILE
    before = path.read_text()
    setup.repo.credential("prod-db", secrets(canary), KEYS, type="aws")
    old, new = (
        next(line for line in text.splitlines() if "secret_access_key:" in line)
        for text in (before, path.read_text())
    )
    path.write_text(before.replace(old, new))
    assert aged().rotated == {FILE: {("secret_access_key",): TODAY, ("session_token",): date(2025, 10, 1)}}


@pytest.mark.parametrize(
    "policy",
    [
        {"rotation": {}},
        {"rules": {"KT320": "off", "KT321": "off", "KT327": "off"}},
        {"rules": {code: {"level": "off", "paths": ["manifests"]} for code in ("KT320", "KT321", "KT327")}},
    ],
)
def test_git_runs_only_for_rules_on_ages(aged, policy):
    """Without a maximum age, or with these rules off, it does not run."""
    assert aged(policy=policy, PATH="/nowhere") == SecretAges(today=TODAY)
    assert aged(PATH="/nowhere") == SecretAges(
        today=TODAY, rotated={FILE: {}}, history_error="git could not be run"
    )


def test_rotation_dates_of_the_state(setup, canary):
    """By file; an entry without a date is left out."""
    setup.repo.credential("prod-db", {"password": canary()})
    project = read_project(setup.repo.root)
    desired = load_manifests(project, project.find_workspace("")).desired[0]
    days = {
        day: rotation_dates_from_state(make_inputs(desired, make_state_entry(desired, "id1", rotated_at=day)))
        for day in ("2025-01-01T00:00:00Z", "")
    }
    assert days == {"2025-01-01T00:00:00Z": {FILE: {(): date(2025, 1, 1)}}, "": {}}
