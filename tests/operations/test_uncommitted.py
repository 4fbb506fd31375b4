"""Uncommitted files of a run: keyturn.yaml, keys and manifests of its workspace."""

import pytest
from msgspec.structs import replace

from git_history import commit_all
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.uncommitted import describe_files, list_uncommitted_files, reject_uncommitted_files


def test_which_files_count(setup, begin):
    """Those that an apply reads; before the first commit, nothing can be compared."""
    (setup.repo.root / ".gitignore").write_text(".keyturn/prod/\n")
    assert list_uncommitted_files(begin()) is None
    commit_all(setup)
    assert list_uncommitted_files(begin()) == ()
    setup.repo.connection("prod-pg", "prod-db")
    setup.repo.project(pace=3)
    (setup.repo.root / "other.yaml").write_text("x")
    found = list_uncommitted_files(begin())
    assert found == ("keyturn.yaml", "manifests/prod/connections/prod-pg.yaml")


@pytest.mark.parametrize(("policy", "is_refused"), [("warn", False), ("refuse", True)])
def test_the_policy_decides(setup, begin, policy, is_refused):
    """KT486 names the first file and the number of files."""
    commit_all(setup)
    setup.repo.connection("prod-pg", "prod-db")
    run = begin()
    settings = replace(run.project.policy, uncommitted=policy)
    run = replace(run, project=replace(run.project, policy=settings))
    if not is_refused:
        reject_uncommitted_files(run)
        return
    with pytest.raises(DiagnosticError) as caught:
        reject_uncommitted_files(run)
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT486"
    assert "1 file of this workspace" in finding.message
    assert finding.origin.file.endswith("prod-pg.yaml")


def test_many_files_are_counted():
    """The first ones are named."""
    assert describe_files(("a", "b")) == "a, b"
    assert describe_files(("a", "b", "c", "d", "e")) == "a, b, c and 2 more"
