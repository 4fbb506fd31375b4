"""How old the secrets are."""

import os
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from driving_git import git
from keyturn.manifests.loader import load_manifests
from keyturn.operations.plan.validate import SecretAges, rotation_dates_from_state, secret_ages
from keyturn.project.project import read_project
from making import held, sides

TODAY = date(2026, 3, 1)
KEYS = {"region": "eu-west-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE"}
FILE = "manifests/prod/credentials/prod-db.yaml"


def secrets(canary):
    """Return the two secrets of a key of AWS."""
    return {"secret_access_key": canary(), "session_token": canary()}


@pytest.fixture
def aged(office, canary):
    """Return a function that tells the ages in a repository whose secret was committed in 2025."""
    repo = office.repo
    repo.credential("prod-db", secrets(canary), KEYS, type="aws")
    old = office.repo.environment() | dict.fromkeys(
        ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2025-10-01T00:00Z"
    )
    past = SimpleNamespace(repo=SimpleNamespace(root=repo.root, environment=lambda: old))
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        git(past, *words)

    def tell(told=None, policy=None, **environment):
        repo.project(policy={"rotation": {"max_age": "90d"}} | (policy or {}))
        project = read_project(repo.root)
        loaded = load_manifests(project, project.find_workspace(""))
        return secret_ages(project, loaded.resource_views, told or {}, TODAY, os.environ | environment)

    return tell


def test_git_knows_what_the_state_does_not(aged):
    """One day for all secrets of a file where it is one day."""
    assert aged() == SecretAges(today=TODAY, rotated={FILE: {(): date(2025, 10, 1)}})


def test_the_state_is_right(aged):
    """It knows of a rotation from when it was made."""
    told = {FILE: {(): TODAY - timedelta(1)}}
    assert aged(told) == SecretAges(today=TODAY, rotated=told)


def test_each_secret_has_a_day_of_its_own(aged, office, canary):
    """What was set again is of today until it is committed."""
    path = office.repo.root / FILE
    before = path.read_text()
    office.repo.credential("prod-db", secrets(canary), KEYS, type="aws")
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
def test_git_is_not_run_for_what_nobody_asks(aged, policy):
    """Where no age is allowed, or no rule about ages is on."""
    assert aged(policy=policy, PATH="/nowhere") == SecretAges(today=TODAY)
    assert aged(PATH="/nowhere") == SecretAges(
        today=TODAY, rotated={FILE: {}}, history_error="git could not be run"
    )


def test_what_the_state_says(office, canary):
    """By the file; without a day, nothing."""
    office.repo.credential("prod-db", {"password": canary()})
    project = read_project(office.repo.root)
    desired = load_manifests(project, project.find_workspace("")).desired[0]
    days = {
        day: rotation_dates_from_state(sides(desired, held(desired, "id1", rotated_at=day)))
        for day in ("2025-01-01T00:00:00Z", "")
    }
    assert days == {"2025-01-01T00:00:00Z": {FILE: {(): date(2025, 1, 1)}}, "": {}}
