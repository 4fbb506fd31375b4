"""Why a commit is the base: named, the target of a pull request, or the merge base with a default branch."""

import os
import subprocess

import pytest

from keyturn.git.base_commit import TARGET_VARIABLES, find_base_commit
from keyturn.model.diagnostic import DiagnosticError

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def git(folder, *words):
    """Run git and return its output."""
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder, message, **variables):
    """Make an empty commit and return its ID."""
    words = ["git", "commit", "-q", "--allow-empty", "-m", message]
    subprocess.run(words, cwd=folder, check=True, env={**os.environ, **variables})
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def remote(tmp_path):
    """Return a repository with two commits on main and one on release."""
    folder = tmp_path / "remote"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "first")
    git(folder, "checkout", "-q", "-b", "release")
    commit(folder, "release")
    git(folder, "checkout", "-q", "main")
    commit(folder, "second")
    return folder


@pytest.fixture
def clone(remote, tmp_path):
    """Return a clone on a branch with one commit."""
    git(tmp_path, "clone", "-q", f"file://{remote}", "clone")
    git(tmp_path / "clone", "checkout", "-q", "-b", "change")
    commit(tmp_path / "clone", "change")
    return tmp_path / "clone"


def describe(folder, name="", **variables):
    """Return revision, reason, variable and notes of the base, which is also compared with its commit."""
    found = find_base_commit(folder, name, {**ENVIRONMENT, **variables})
    described = found.description
    assert described.commit == found.revision.commit
    return described.revision, described.reason, described.variable, described.notes


def refusal(folder, name="", **variables):
    """Return message and hint of the error KT007."""
    with pytest.raises(DiagnosticError) as caught:
        find_base_commit(folder, name, {**ENVIRONMENT, **variables})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "KT007"
    return diagnostic.message, diagnostic.hint


def test_a_named_revision_is_taken_as_it_is(clone):
    """Also a newer commit than the merge base."""
    assert describe(clone, "HEAD") == ("HEAD", "named", "", ())
    assert find_base_commit(clone, "HEAD", ENVIRONMENT).revision.commit == git(clone, "rev-parse", "HEAD")


def test_the_default_branch_of_the_remote_is_no_guess(clone):
    """A clone has origin/HEAD."""
    assert describe(clone) == ("origin/main", "merge_base", "", ())
    here = find_base_commit(clone, "", ENVIRONMENT).revision.commit
    assert here == git(clone, "rev-parse", "origin/main")


def test_a_guessed_branch_is_said(clone):
    """Without origin/HEAD, and with one that names a branch that is gone."""
    git(clone, "remote", "set-head", "origin", "--delete")
    git(clone, "update-ref", "refs/remotes/origin/master", "origin/release")
    name, _, _, (note,) = describe(clone)
    assert name == "origin/main"
    assert "origin/HEAD is not set; origin/master exists too" in note
    git(clone, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert "origin/HEAD names origin/trunk, which is not here" in describe(clone)[3][0]


def test_a_local_branch_is_a_guess(clone):
    """A repository without a remote."""
    git(clone, "remote", "remove", "origin")
    assert describe(clone) == (
        "main", "merge_base", "", ("main is a guess: there is no remote branch to compare with",)
    )  # fmt: skip


def test_a_stale_branch_is_said(clone):
    """The newest commit was made long after the last fetch."""
    commit(clone, "much later", GIT_COMMITTER_DATE="2033-01-01T00:00:00Z")
    (note,) = describe(clone)[3]
    assert note.startswith("origin/main may be stale: it was fetched ")
    os.utime(clone / ".git/packed-refs", (1_988_000_000, 1_988_000_000))
    assert describe(clone)[3] == ()


@pytest.mark.parametrize("variable", [each for each in TARGET_VARIABLES if not each.endswith("_SHA")])
def test_the_ci_system_names_the_target_branch(clone, variable):
    """Not the default branch: a pull request can have another target."""
    git(clone, "merge", "-q", "--no-edit", "origin/release")
    for value in ("release", "refs/heads/release"):
        assert describe(clone, **{variable: value}) == ("origin/release", "merge_base", variable, ())
    assert describe(clone, **{variable: ""})[0] == "origin/main"


def test_a_merged_result_is_compared_with_the_target_that_it_contains(clone, remote):
    """Changes of others on the target branch are not those of the pull request."""
    start = git(clone, "merge-base", "HEAD", "origin/main")
    newer = commit(remote, "by others")
    git(clone, "fetch", "-q")
    git(clone, "merge", "-q", "--no-edit", "origin/main")
    variables = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": start, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": newer}
    found = find_base_commit(clone, "", {**ENVIRONMENT, **variables})
    assert found.revision.commit == newer
    assert found.description.variable == "CI_MERGE_REQUEST_TARGET_BRANCH_SHA"
    found = find_base_commit(clone, "", {**ENVIRONMENT, "GITHUB_BASE_REF": "main"})
    assert found.revision.commit == newer


def test_a_missing_target_is_an_error_with_its_fix(clone, tmp_path, remote):
    """No other branch is taken in its place."""
    message, hint = refusal(clone, GITHUB_BASE_REF="trunk")
    assert "trunk, the target that GITHUB_BASE_REF names" in message
    assert "`git fetch origin trunk`" in hint
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{remote}", "shallow")
    git(tmp_path / "shallow", "checkout", "-q", "--detach")
    git(tmp_path / "shallow", "update-ref", "-d", "refs/remotes/origin/main")
    git(tmp_path / "shallow", "branch", "-q", "-D", "main")
    for variables in ({}, {"GITHUB_BASE_REF": "release"}):
        assert "`git fetch --unshallow`" in refusal(tmp_path / "shallow", **variables)[1]


@pytest.mark.parametrize("value", ["--upload-pack=x", "-x", "a\nb"])
def test_no_variable_is_an_option(clone, value):
    """The value of a variable reaches git as a revision only."""
    assert "is unknown" in refusal(clone, CI_MERGE_REQUEST_TARGET_BRANCH_SHA=value)[0]
