"""keyturn import."""

import pytest

from published_schemas import parse_valid


@pytest.fixture
def lived_in(setup):
    """Return a setup whose workspace somebody filled."""
    role = {"role_arn": "arn:aws:iam::123456789012:role/r", "region": "eu-central-1"}
    setup.service.seed_objects(credentials=[{"name": "prod-lake", "type": "aws", "config": role}])
    (setup.repo.root / "manifests/prod").mkdir(parents=True)
    return setup


@pytest.mark.parametrize("words", [(), ("prod-lake", "--all")])
def test_names_or_all(lived_in, words):
    """Neither, or both, is not clear; nothing is read."""
    done = lived_in.run("import", *words)
    assert done.code == 64
    assert not lived_in.service.list_requests()


def test_what_was_imported_is_told(lived_in):
    """Each object with its file; the count beside it."""
    done = lived_in.run("import", "--all")
    file = "manifests/prod/credentials/prod-lake.yaml"
    assert (done.code, done.stdout.splitlines()[0]) == (0, f"import credential/prod-lake: {file}")
    assert done.stdout.splitlines()[-1] == "Imported 1 of 1."
    assert (lived_in.repo.root / file).exists()


def test_what_was_left_out_is_told(lived_in):
    """3, with the reason."""
    lived_in.service.seed_objects(credentials=[{"name": "prod-empty", "type": "aws", "config": {}}])
    done = lived_in.run("import", "--all")
    assert done.code == 3
    assert "skipped: its fields do not match the schema of type aws" in done.stdout


@pytest.mark.parametrize("words", [["--map", "x"], ["--map", "=f"], ["--credential", "c="]])
def test_pairs_that_are_none(lived_in, words):
    """Two words with = between them."""
    assert lived_in.run("import", "--all", *words).code == 64


def test_as_json(lived_in):
    """One value, as its schema says: what was written, and what was left out and why."""
    lived_in.service.seed_objects(credentials=[{"name": "prod-empty", "type": "aws", "config": {}}])
    done = lived_in.run("import", "--all", "--format", "json")
    assert done.code == 3
    tree = parse_valid("import", done.stdout)
    assert tree["summary"] == {"imported": 1, "left": 1, "line": "Imported 1 of 2."}
    found = {each["address"]: each for each in tree["objects"]}
    assert found["credential/prod-lake"]["file"] == "manifests/prod/credentials/prod-lake.yaml"
    assert "do not match the schema" in found["credential/prod-empty"]["why"]
