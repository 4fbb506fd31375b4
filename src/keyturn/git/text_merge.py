"""The three-way merge of texts by git."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from keyturn.git.process import build_git_environment

_LABELS: Final = ("-L", "ours", "-L", "base", "-L", "theirs")
_MAX_CONFLICTS: Final = 127
_GIT_TIMEOUT: Final = 60.0


def merge_texts(base: str, ours: str, theirs: str, environment: Mapping[str, str]) -> tuple[str, bool]:
    """Return the merged text and whether it has conflict markers; raises OSError if git fails."""
    with TemporaryDirectory(prefix="keyturn-merge-") as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(text.encode())
        done = subprocess.run(  # noqa: S603
            ["git", "merge-file", "-p", *_LABELS, *map(str, paths)],  # noqa: S607
            cwd=folder,
            env=build_git_environment(environment),
            capture_output=True,
            timeout=_GIT_TIMEOUT,
            check=False,
        )
    if not 0 <= done.returncode <= _MAX_CONFLICTS:
        message = "git could not merge the texts"
        raise OSError(message)
    return done.stdout.decode(), done.returncode > 0
