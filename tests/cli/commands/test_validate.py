"""keyturn validate."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from git_history import commit_all, make_keyless_environment, run_git
from keyturn.cli.commands.validate import VALIDATE_FORMATS
from sarif_log import find_schema_errors

FILE = "manifests/prod/connections/prod-pg.yaml"


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential and a connection."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    return setup


@pytest.mark.parametrize("form", VALIDATE_FORMATS)
def test_forms(ready, form):
    """Whatever the form, 1 for an error, and it is named."""
    path = ready.repo.root / FILE
    path.write_text(path.read_text().replace("config:", "confg:"))
    done = ready.run("validate", "--format", form)
    assert done.code == 1
    assert "prod-pg.yaml" in done.stdout
    assert done.stderr == ""
    if form == "sarif":
        assert find_schema_errors(json.loads(done.stdout)) == []


@pytest.mark.parametrize("form", [form for form in VALIDATE_FORMATS if form != "text"])
def test_a_project_that_cannot_be_read_is_told_in_every_form(ready, form):
    """A pipeline that reads annotations reads this one too."""
    (ready.repo.root / "keyturn.yaml").unlink()
    done = ready.run("validate", "--format", form)
    assert done.code == 1
    assert "keyturn.yaml" in done.stdout
    if form in {"json", "gitlab", "sarif"}:
        log = json.loads(done.stdout)
        assert form != "sarif" or find_schema_errors(log) == []


def test_only_what_is_named(ready):
    """Another file's errors are not this commit's; a file outside every workspace is an error."""
    (ready.repo.root / FILE).write_text("kind: nothing\n")
    assert ready.run("validate", "manifests/prod/credentials/prod-db.yaml").code == 0
    assert ready.run("validate", FILE).code == 1
    (ready.repo.root / "stray.yaml").write_text("a: b\n")
    assert ready.run("validate", "stray.yaml").code == 1


@pytest.fixture
def old(ready):
    """Return a setup whose secret was committed five months ago, and may be ninety days old."""
    ready.repo.project(policy={"rotation": {"max_age": "90d"}})
    when = (datetime.now(UTC) - timedelta(150)).isoformat()
    commit_all(ready, GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
    return ready


def told(done, code):
    """Return the lines about one code of a concise report."""
    return [line for line in done.stdout.splitlines() if f" {code} " in line]


def test_a_secret_that_git_knows_to_be_old(old):
    """By the commit that brought it in, without state, key or network; not as a hook for changed files."""
    path = old.repo.root / FILE
    path.write_text(path.read_text() + "labels: {owner: data}\n")
    commit_all(old)
    whole = old.run("validate", "--format", "concise", env=make_keyless_environment(old))
    (line,) = told(whole, "KT320")
    assert line.endswith("KT320 secrets last changed 150 days ago; the maximum is 90")
    assert whole.code == 0
    named = old.run("validate", "manifests/prod/credentials/prod-db.yaml", "--format", "concise")
    assert told(named, "KT320") == []


def test_a_shallow_clone_is_said_once(old, tmp_path):
    """With the command that fetches the rest."""
    place = tmp_path / "shallow"
    run_git(old, "clone", "-q", "--depth", "1", f"file://{old.repo.root}", str(place))
    done = old.run("validate", "-C", str(place))
    assert done.stdout.count("KT327") == 1
    assert "history is shallow, so the age of the secrets of 1 manifest is unknown" in unfolded(done.stdout)
    assert "git fetch --unshallow" in unfolded(done.stdout)
    assert "KT320" not in done.stdout


def test_a_plan_goes_by_the_state_and_else_by_git(old):
    """What was applied today is of today, whatever the history says."""
    before = json.loads(old.run("plan", "--format", "json").stdout)
    assert "KT320" in [each["code"] for each in before["findings"]]
    assert old.run("apply", "--yes").code == 0
    after = json.loads(old.run("plan", "--format", "json").stdout)
    assert "KT320" not in [each["code"] for each in after["findings"]]


def unfolded(text):
    """Return a text without its line breaks and frames."""
    return " ".join(text.split())
