"""keyturn import."""

import pytest


@pytest.fixture
def lived_in(office):
    """Return an office whose workspace somebody filled."""
    role = {"role_arn": "arn:aws:iam::123456789012:role/r", "region": "eu-central-1"}
    office.service.seed(credentials=[{"name": "prod-lake", "type": "aws", "config": role}])
    (office.repo.root / "manifests/prod").mkdir(parents=True)
    return office


@pytest.mark.parametrize("words", [(), ("prod-lake", "--all")])
def test_names_or_all(lived_in, words):
    """Neither, or both, is not clear; nothing is read."""
    done = lived_in.here("import", *words)
    assert done.code == 64
    assert not lived_in.service.requests()


def test_what_was_imported_is_told(lived_in):
    """Each object with its file; the count beside it."""
    done = lived_in.here("import", "--all")
    file = "manifests/prod/credentials/prod-lake.yaml"
    assert (done.code, done.stdout.splitlines()[0]) == (0, f"import credential/prod-lake: {file}")
    assert "Imported 1 of 1." in done.stderr
    assert (lived_in.repo.root / file).exists()


def test_what_was_left_out_is_told(lived_in):
    """3, with the reason."""
    lived_in.service.seed(credentials=[{"name": "No File/Name", "type": "aws", "config": {}}])
    done = lived_in.here("import", "--all")
    assert done.code == 3
    assert "left out: its name cannot be the name of a file" in done.stdout


@pytest.mark.parametrize("words", [["--map", "x"], ["--map", "=f"], ["--credential", "c="]])
def test_pairs_that_are_none(lived_in, words):
    """Two words with = between them."""
    assert lived_in.here("import", "--all", *words).code == 64
