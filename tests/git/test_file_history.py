"""The committed versions of one file."""

import subprocess

import pytest

from keyturn.git.file_history import MAX_VERSIONS, read_file_versions
from keyturn.git.process import build_git_environment

IDENTITY = {f"GIT_{role}_{part}": "t" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


@pytest.fixture
def environment(tmp_path_factory, monkeypatch):
    """Return an environment for git, without the settings of the user."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def git(tmp_path, environment):
    """Return a function that runs git in a new repository."""

    def run(*words):
        env = build_git_environment(environment) | IDENTITY
        subprocess.run(["git", *words], cwd=tmp_path, env=env, check=True, capture_output=True)

    run("init", "-q", "-b", "main")
    return run


def commit(git, path, data):
    """Commit a file with new content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    git("add", "-A")
    git("commit", "-q", "-m", "x")


def test_versions_are_newest_first_through_renames(tmp_path, git, environment):
    """A renamed file keeps its history; other files do not count."""
    body = b"".join(b"line %d\n" % number for number in range(20))
    commit(git, tmp_path / "m/old [1].yaml", body + b"one\n")
    commit(git, tmp_path / "m/other.yaml", b"other\n")
    commit(git, tmp_path / "m/old [1].yaml", body + b"two\n")
    git("mv", "m/old [1].yaml", "m/new.yaml")
    git("commit", "-q", "-m", "x")
    commit(git, tmp_path / "m/new.yaml", body + b"three\0\n")
    versions = read_file_versions(tmp_path, "m/new.yaml", environment)
    assert [version.data.removeprefix(body) for version in versions] == [b"three\0\n", b"two\n", b"one\n"]
    assert {version.relative for version in versions} == {"m/new.yaml"}


def test_the_project_may_be_a_folder_of_the_repository(tmp_path, git, environment):
    """The path is relative to the project."""
    commit(git, tmp_path / "sub/a.yaml", b"one\n")
    assert [each.data for each in read_file_versions(tmp_path / "sub", "a.yaml", environment)] == [b"one\n"]


def test_nothing_is_known_without_commits(tmp_path, git, environment):
    """Before the first commit, for an unknown file, and outside of a repository."""
    (tmp_path / "a.yaml").write_bytes(b"one\n")
    assert read_file_versions(tmp_path, "a.yaml", environment) == ()
    commit(git, tmp_path / "a.yaml", b"one\n")
    assert read_file_versions(tmp_path, "b.yaml", environment) == ()
    assert read_file_versions(tmp_path, "a.yaml", {"PATH": "/nonexistent"}) == ()


def test_a_folder_without_repository_has_no_versions(tmp_path, environment):
    """Git is not run."""
    assert read_file_versions(tmp_path, "a.yaml", environment) == ()
    assert MAX_VERSIONS >= 100
