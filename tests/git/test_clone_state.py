"""Clones that lack something: each has its own explanation and its own command, which works."""

import os
import shlex
import subprocess

import pytest

from keyturn.git.clone_state import explain_missing_objects, explain_missing_revision
from keyturn.git.revision import Revision
from keyturn.model.diagnostic import DiagnosticError

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def git(folder, *words):
    """Run git and return its output."""
    return subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def remote(tmp_path):
    """Return a repository with two commits, the second on a branch of its own, that serves partial clones."""
    folder = tmp_path / "remote"
    (folder / "m").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "uploadpack.allowFilter", "true")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    for text, branch in (("one", "main"), ("two", "change")):
        (folder / "m/a.yaml").write_text(f"text: {text}\n")
        git(folder, "checkout", "-q", "-B", branch)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", text)
    return folder


def clone(remote, name, *options):
    """Clone the branch of the second commit."""
    words = ["clone", "-q", "--branch", "change", *options, f"file://{remote}", name]
    git(remote.parent, *words)
    return remote.parent / name


def run_fix(folder, hint):
    """Run the first command of a hint."""
    command = hint.split("`")[1]
    git(folder, *shlex.split(command)[1:])


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_partial_clone(remote, kind):
    """The base lacks its files; keyturn starts no fetch and says how to get them."""
    folder = clone(remote, "partial", f"--filter={kind}")
    base = Revision(folder, "origin/main", ENVIRONMENT)
    with pytest.raises(DiagnosticError) as caught:
        base.find_manifests(["m"])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "KT007"
    assert "this clone is partial" in diagnostic.message
    run_fix(folder, diagnostic.hint)
    assert base.read_file("m/a.yaml").data == b"text: one\n"


def test_a_shallow_clone(remote):
    """The commit of the base is not here."""
    folder = clone(remote, "shallow", "--depth", "1", "--no-single-branch")
    base = git(remote, "rev-parse", "change~1")
    git(folder, "update-ref", "-d", "refs/remotes/origin/main")
    git(folder, "reflog", "expire", "--expire=now", "--all")
    git(folder, "gc", "-q", "--prune=now")
    with pytest.raises(DiagnosticError) as caught:
        Revision(folder, base, ENVIRONMENT)
    assert caught.value.diagnostics[0].message.endswith("not found: this clone is shallow")
    run_fix(folder, caught.value.diagnostics[0].hint)
    assert Revision(folder, base, ENVIRONMENT).read_file("m/a.yaml").data == b"text: one\n"


def test_a_branch_that_was_not_fetched(remote):
    """The fix fetches this branch."""
    folder = clone(remote, "single", "--single-branch")
    git(folder, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    with pytest.raises(DiagnosticError) as caught:
        Revision(folder, "origin/main", ENVIRONMENT)
    run_fix(folder, caught.value.diagnostics[0].hint)
    assert Revision(folder, "origin/main", ENVIRONMENT).read_file("m/a.yaml").data == b"text: one\n"


def test_a_missing_commit_is_fetched_by_its_id(remote):
    """A complete clone lacks only what was pushed since."""
    folder = clone(remote, "complete")
    git(remote, "commit", "-q", "--allow-empty", "-m", "later")
    newer = git(remote, "rev-parse", "HEAD")
    _, hint = explain_missing_revision(folder, ENVIRONMENT, newer)
    run_fix(folder, hint)
    assert Revision(folder, newer, ENVIRONMENT).commit == newer


def test_damaged_objects(remote):
    """A complete clone without an object: git fsck shows which."""
    blob = git(remote, "rev-parse", "main:m/a.yaml")
    (remote / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(DiagnosticError) as caught:
        Revision(remote, "main", ENVIRONMENT).find_manifests(["m"])
    assert "git fsck" in caught.value.diagnostics[0].hint


def test_a_folder_without_a_repository(tmp_path):
    """There is nothing to fetch."""
    reason, hint = explain_missing_objects(tmp_path, ENVIRONMENT)
    assert "not a git repository" in reason
    assert "clone" in hint
