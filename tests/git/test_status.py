"""The files that HEAD does not have in their current form."""

import pytest

from git_history import commit_all
from keyturn.git.status import find_uncommitted_files
from workspace_setup import setup

__all__ = ["setup"]


@pytest.fixture
def committed(setup):
    """Return a setup with two committed manifests and an ignored folder."""
    (setup.repo.root / ".gitignore").write_text("manifests/prod/local/\n")
    for name in ("prod-a", "prod-b"):
        setup.repo.connection(name, "prod-db")
    commit_all(setup)
    return setup


def find(setup, *paths):
    """Return the uncommitted files below ``paths``."""
    return find_uncommitted_files(setup.repo.root, paths or ("manifests",), setup.repo.environment())


def test_a_clean_tree(committed):
    """No file, also where other files of the repository changed."""
    (committed.repo.root / "README.md").write_text("new")
    assert find(committed) == ()


def test_each_kind_of_difference(committed):
    """Changed, deleted, new and ignored files; names need no escape."""
    folder = committed.repo.root / "manifests/prod"
    changed, deleted = sorted(folder.glob("connections/*.yaml"))
    changed.write_text(changed.read_text() + "# more\n")
    deleted.unlink()
    for name in ("new ü.yaml", "notes.txt"):
        (folder / name).write_text("x")
    (folder / "local").mkdir()
    (folder / "local/mine.yml").write_text("x")
    assert find(committed) == (
        "manifests/prod/connections/prod-a.yaml",
        "manifests/prod/connections/prod-b.yaml",
        "manifests/prod/local/mine.yml",
        "manifests/prod/new ü.yaml",
    )
    assert find(committed, "keyturn.yaml") == ()


def test_a_project_below_the_top(committed):
    """Paths are relative to the project, and other projects do not count."""
    root = committed.repo.root / "manifests"
    (root / "prod/x.yaml").write_text("x")
    found = find_uncommitted_files(root, ("prod",), committed.repo.environment())
    assert found == ("prod/x.yaml",)


def test_without_a_repository(setup):
    """There is no commit that could have the files."""
    assert find(setup) is None
