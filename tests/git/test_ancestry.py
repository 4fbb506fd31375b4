"""The order of two commits."""

from git_history import commit_all, run_git
from keyturn.git.ancestry import is_ancestor
from keyturn.git.revision import resolve_head
from workspace_setup import setup

__all__ = ["setup"]


def test_the_order_of_commits(setup):
    """A commit precedes its descendants, not itself's siblings; an unknown commit cannot be compared."""
    root, environment = setup.repo.root, setup.repo.environment()
    commits = []
    for number in range(2):
        (root / "note").write_text(str(number))
        commit_all(setup)
        commits.append(resolve_head(setup.repo.root, setup.repo.environment()))
    older, newer = commits
    run_git(setup, "checkout", "-q", "-b", "other", older)
    (root / "note").write_text("aside")
    commit_all(setup)
    aside = resolve_head(setup.repo.root, setup.repo.environment())
    assert is_ancestor(root, older, newer, environment) is True
    assert is_ancestor(root, newer, older, environment) is False
    assert is_ancestor(root, aside, newer, environment) is False
    assert is_ancestor(root, "0" * 40, newer, environment) is None
    assert is_ancestor(root.parent, older, newer, environment) is None
