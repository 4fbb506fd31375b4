"""The files of the work tree that HEAD does not have in this form."""

import os
import subprocess
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from keyturn.files.discovery import MANIFEST_SUFFIXES
from keyturn.git.process import build_git_command, build_git_environment, find_work_tree

_STATUS_ARGUMENTS: Final = (
    "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=traditional", "--no-renames",
    "--ignore-submodules=none", "--",
)  # fmt: skip
_STATUS_LENGTH: Final = 3
_GIT_TIMEOUT: Final = 120.0


def find_uncommitted_files(
    root: Path, paths: Collection[str], environment: Mapping[str, str]
) -> tuple[str, ...] | None:
    """Return the YAML files below ``paths`` of ``root`` that differ from HEAD, sorted, relative to ``root``.

    Untracked, ignored and deleted files count. The result is None outside of a repository and where git
    cannot be run.
    """
    work_tree = find_work_tree(root)
    if work_tree is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [*build_git_command(root), *_STATUS_ARGUMENTS, *(f":(literal){path}" for path in paths)],
            cwd=root,
            env=build_git_environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(sorted(_list_files(os.fsdecode(done.stdout), work_tree, root.resolve())))


def _list_files(output: str, work_tree: Path, root: Path) -> Iterator[str]:
    for row in output.split("\0")[:-1]:
        # A path of --porcelain=v1 starts at the top of the work tree.
        path = work_tree / row[_STATUS_LENGTH:]
        is_folder = row.endswith("/")
        if (is_folder or path.suffix in MANIFEST_SUFFIXES) and path.is_relative_to(root):
            yield str(path.relative_to(root)) + ("/" if is_folder else "")
