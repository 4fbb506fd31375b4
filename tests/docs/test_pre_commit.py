"""The pre-commit hooks in a user's repository, run by the real pre-commit and prek."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sources import ROOT
from workspace import Repository

BIN = Path(sys.executable).parent
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
RUNNERS = [
    pytest.param(name, marks=pytest.mark.skipif(not (BIN / name).exists(), reason=f"{name} is not installed"))
    for name in ("pre-commit", "prek")
]


@pytest.fixture
def consumer(tmp_path, age_key, canary):
    """Return a user's repository that uses the hooks of another repository at a revision.

    The language of the hooks is `system`, because `python` would download packages.
    """
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    local_hooks = [{**hook, "language": "system"} for hook in HOOKS]
    (hooks / ".pre-commit-hooks.yaml").write_text(yaml.safe_dump(local_hooks))
    git(hooks, "init", "-q")
    git(hooks, "add", "-A")
    git(hooks, "commit", "-q", "-m", "Hooks")
    repo = Repository(tmp_path / "repo", age_key, "http://127.0.0.1:9", "org_01jq8acme")
    repo.credential("prod-db", {"password": canary()})
    repo.connection("prod-pg", "prod-db")
    revision = git(hooks, "rev-parse", "HEAD")
    hook_ids = [{"id": hook["id"]} for hook in HOOKS]
    tree = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": hook_ids}]}
    (repo.root / ".pre-commit-config.yaml").write_text(yaml.safe_dump(tree))
    git(repo.root, "init", "-q")
    git(repo.root, "add", "-A")
    return repo


def git(folder, *words):
    """Run git and return its output."""
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def run(runner, repo, tmp_path, *more):
    """Run the hooks of a repository without any key."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "PREK_HOME": str(tmp_path / "cache"),
    }
    return subprocess.run(
        [BIN / runner, "run", *more],
        cwd=repo.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_hooks_install_keyturn():
    """pre-commit installs keyturn from the repository of the hooks."""
    assert {hook["language"] for hook in HOOKS} == {"python"}
    assert {hook["entry"].split()[0] for hook in HOOKS} == {"keyturn"}


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_valid_repository_passes(runner, consumer, tmp_path):
    """Both hooks run and pass."""
    done = run(runner, consumer, tmp_path, "--all-files", "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 2


@pytest.mark.parametrize("runner", RUNNERS)
def test_an_invalid_manifest_blocks_the_commit(runner, consumer, tmp_path):
    """Both hooks fail, with the location and the fix."""
    path = consumer.root / "manifests/prod/connections/prod-pg.yaml"
    path.write_text(path.read_text().replace("database:", "databse:"))
    git(consumer.root, "add", "-A")
    done = run(runner, consumer, tmp_path)
    assert done.returncode == 1
    assert done.stdout.count("Failed") == 2
    assert "prod-pg.yaml:" in done.stdout
    assert "did you mean database?" in done.stdout


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_manifest_that_was_not_added_is_missing(runner, consumer, tmp_path):
    """The hooks refuse what a clean checkout of the commit would refuse; a draft does not count."""
    git(consumer.root, "commit", "-q", "-m", "All")
    consumer.credential("prod-new", {})
    consumer.connection("prod-draft", "prod-absent")
    path = consumer.connection("prod-second", "prod-new")
    git(consumer.root, "add", str(path))
    done = run(runner, consumer, tmp_path)
    assert done.returncode == 1
    assert "credential/prod-new" in done.stdout
    assert "prod-draft" not in done.stdout


@pytest.mark.parametrize("runner", RUNNERS)
def test_other_files_skip_the_hook_of_changed_manifests(runner, consumer, tmp_path):
    """A commit without manifests runs only the hook of the whole repository."""
    git(consumer.root, "commit", "-q", "-m", "All")
    (consumer.root / "notes.txt").write_text("nothing\n")
    git(consumer.root, "add", "-A")
    done = run(runner, consumer, tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Passed") == 1
    assert done.stdout.count("Skipped") == 1
