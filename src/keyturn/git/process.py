"""How git is started: for one named repository, without a pager, a prompt, a lazy fetch or a monitor."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_GIT_COMMAND: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false")
_PASSED_VARIABLES: Final = ("PATH", "HOME", "XDG_CONFIG_HOME")
_PASSED_PREFIX: Final = "GIT_CONFIG"
_FIXED_VARIABLES: Final = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # git before 2.45 ignores GIT_NO_LAZY_FETCH; without an allowed protocol, its lazy fetch fails.
    "GIT_ALLOW_PROTOCOL": "",
}
_GIT_TIMEOUT: Final = 120.0


def build_git_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a git process: PATH, HOME and the settings of git, nothing else."""
    passed = {
        key: value
        for key, value in environment.items()
        if key in _PASSED_VARIABLES or key.startswith(_PASSED_PREFIX)
    }
    return _FIXED_VARIABLES | passed


def find_work_tree(start: Path) -> Path | None:
    """Return the nearest folder from ``start`` upwards that holds ``.git``; None without one."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if _has_git_entry(folder)), None)


def build_git_command(root: Path) -> tuple[str, ...]:
    """Return the start of each git command line for the repository around ``root``.

    The repository is named explicitly. The discovery of git would also accept committed files that
    look like a bare repository. Without a repository, the command fails.
    """
    work_tree = find_work_tree(root) or root
    return (*_GIT_COMMAND, f"--git-dir={work_tree / '.git'}", f"--work-tree={work_tree}")


def run_git(
    root: Path, environment: Mapping[str, str], arguments: tuple[str, ...], stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Run git at the top of the repository around ``root``; raises OSError or TimeoutExpired.

    ``environment`` is that of the user.
    """
    return subprocess.run(  # noqa: S603
        [*build_git_command(root), *arguments],
        cwd=find_work_tree(root) or root,
        env=build_git_environment(environment),
        input=stdin,
        capture_output=True,
        timeout=_GIT_TIMEOUT,
        check=False,
    )


def ask_git(root: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """Return the output of git, stripped; empty if git fails or cannot be run."""
    try:
        done = run_git(root, environment, arguments)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else os.fsdecode(done.stdout).strip()


def _has_git_entry(folder: Path) -> bool:
    try:
        return (folder / ".git").exists()
    except OSError:
        return False
