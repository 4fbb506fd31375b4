"""``keyturn validate --staged``: the next commit is judged, and not the working tree."""

import json

import pytest

from git_history import commit_all, run_git

CONNECTION = "manifests/prod/connections/prod-pg.yaml"


@pytest.fixture
def ready(setup, canary):
    """Return a committed repository with a credential and a connection."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    commit_all(setup)
    return setup


def validate(setup, *words):
    """Return the exit code and the findings of the index."""
    done = setup.run("validate", "--staged", "--format", "json", *words)
    errors = [each for each in json.loads(done.stdout)["findings"] if each["severity"] == "error"]
    return done.code, {(each["code"], each["file"], each["line"]) for each in errors}


def edit(setup, old, new):
    """Change the connection in the working tree."""
    path = setup.repo.root / CONNECTION
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_draft_does_not_count(ready):
    """Neither an untracked file nor an unstaged change."""
    ready.repo.connection("prod-draft", "prod-absent")
    edit(ready, "port: 5432", "port: none")
    assert ready.run("validate").code == 1
    assert validate(ready) == (0, set())


def test_a_referenced_file_must_be_staged(ready):
    """The reference is broken in the commit, whatever the working tree has."""
    ready.repo.credential("prod-new", {}, {"role_arn": "arn:aws:iam::123456789012:role/r"}, type="aws")
    path = ready.repo.connection("prod-s3", "prod-new", {"bucket": "b", "region": "eu"}, type="s3")
    run_git(ready, "add", str(path))
    assert ready.run("validate").code == 0
    code, errors = validate(ready)
    assert code == 1
    assert {each[0] for each in errors} == {"KT401"}
    run_git(ready, "add", "-A")
    assert validate(ready) == (0, set())


def test_a_deletion_counts(ready):
    """The credential is deleted in the index, and still used."""
    run_git(ready, "rm", "-q", "--cached", "manifests/prod/credentials/prod-db.yaml")
    code, errors = validate(ready)
    assert (code, {each[0] for each in errors}) == (1, {"KT401"})


def test_the_staged_text_has_the_locations(ready):
    """The working tree has other lines."""
    edit(ready, "kind: connection", "# one\n# two\nkind: connection")
    edit(ready, "credential: prod-db", "credential: prod-absent")
    run_git(ready, "add", "-A")
    edit(ready, "# one\n# two\n", "")
    code, errors = validate(ready)
    line = 1 + (ready.repo.root / CONNECTION).read_text().split("\n").index("credential: prod-absent") + 2
    assert (code, errors) == (1, {("KT401", CONNECTION, line)})
    shown = ready.run("validate", "--staged").stdout
    assert f"{line} | credential: prod-absent" in shown


def test_the_staged_project_file_counts(ready):
    """Its policy and its folders."""
    ready.repo.project(policy={"required_labels": ["owner"]})
    assert validate(ready) == (0, set())
    run_git(ready, "add", "keyturn.yaml")
    assert {each[0] for each in validate(ready)[1]} == {"KT310"}
    run_git(ready, "rm", "-q", "--cached", "keyturn.yaml")
    done = ready.run("validate", "--staged")
    assert (done.code, "KT001" in done.stderr) == (1, True)


def test_paths_and_staged_exclude_each_other(ready):
    """The commit is judged as a whole."""
    assert ready.run("validate", "--staged", CONNECTION).code == 64


def test_without_a_repository_nothing_is_staged(setup, canary):
    """KT007 names the way out."""
    setup.repo.credential("prod-db", {"password": canary()})
    done = setup.run("validate", "--staged")
    assert (done.code, "KT007" in done.stderr) == (1, True)
