"""A manifest as a commit holds it."""

import subprocess

import pytest

from keyturn.manifests.secrets import decrypt_manifest_at
from keyturn.model.diagnostic import DiagnosticError
from keyturn.project.project import read_project
from workspace import Repository

FILE = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def repo(tmp_path, age_key, canary):
    """Return a repository whose first commit holds a credential that was changed since."""
    repo = Repository(tmp_path / "repo", age_key, "https://a.example", "org_x")
    repo.first = canary()
    repo.credential("prod-db", {"password": repo.first})
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=repo.root, check=True, capture_output=True)
    repo.credential("prod-db", {"password": canary()})
    return repo


def committed(repo, file=FILE, commit="HEAD", **environment):
    """Return what a commit holds."""
    return decrypt_manifest_at(read_project(repo.root), file, commit, repo.environment(**environment))


def test_the_secret_is_that_of_the_commit(repo):
    """Not that of the working tree."""
    assert committed(repo).secrets["password",].reveal() == repo.first


@pytest.mark.parametrize(
    "where", [{"commit": "c0ffee" * 6}, {"file": "manifests/nothing.yaml"}, {"SOPS_AGE_KEY_FILE": "/nowhere"}]
)
def test_an_unavailable_part_is_an_error(repo, where):
    """The commit, the file or the key."""
    with pytest.raises(DiagnosticError):
        committed(repo, **where)


def test_a_seal_mismatch_in_the_commit_is_an_error(repo):
    """A rollback to a tampered host is rejected."""
    path = repo.root / FILE
    path.write_text(path.read_text().replace("db.example.com", "evil.example.com"))
    subprocess.run(["git", "commit", "-qam", "y"], cwd=repo.root, check=True, capture_output=True)
    with pytest.raises(DiagnosticError):
        committed(repo)
