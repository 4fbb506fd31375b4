"""Hooks: pre-commit takes both files, and the hooks for users fit the repositories they are for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sources import ROOT

PRE_COMMIT = Path(sys.executable).parent / "pre-commit"
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
OWN = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())


@pytest.mark.parametrize(
    "words",
    [("validate-manifest", ".pre-commit-hooks.yaml"), ("validate-config", ".pre-commit-config.yaml")],
)
def test_pre_commit_takes_it(words, tmp_path):
    """Both files are what pre-commit expects."""
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path)}
    ended = subprocess.run(
        [PRE_COMMIT, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("manifests/prod/credentials/prod-x.yaml", True),
        ("manifests/dev/a.yml", True),
        ("manifests/README.md", False),
        ("keyturn.yaml", True),
        ("sub/keyturn.yaml", False),
        ("other/manifests/a.yaml", False),
    ],
)
def test_the_hook_takes_manifests(path, fits):
    """The hook for changed files runs for manifests and the project file, and for nothing else."""
    assert bool(re.search(HOOKS["keyturn-validate"]["files"], path)) is fits


def test_the_hook_of_the_repository_always_runs():
    """What needs all files runs once, whatever changed."""
    hook = HOOKS["keyturn-validate-repo"]
    assert (hook["pass_filenames"], hook["always_run"], hook["require_serial"]) == (False, True, True)


def test_the_hooks_check_the_index():
    """They judge what is committed, and get no names of files."""
    assert {hook["entry"] for hook in HOOKS.values()} == {"keyturn validate --staged"}
    assert {hook["pass_filenames"] for hook in HOOKS.values()} == {False}


def test_hooks_run_a_command_that_there_is(run):
    """The entry of each hook is a command of keyturn."""
    for hook in HOOKS.values():
        assert run(*hook["entry"].split()[1:], "--help").code == 0


def test_our_own_hooks_need_no_network():
    """Hooks for work on keyturn come from the repository itself."""
    assert {repo["repo"] for repo in OWN["repos"]} == {"local"}
    assert {hook["language"] for repo in OWN["repos"] for hook in repo["hooks"]} == {"system", "pygrep"}
