"""The order of two commits."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from keyturn.git.process import run_git


def is_ancestor(root: Path, older: str, newer: str, environment: Mapping[str, str]) -> bool | None:
    """Tell whether the history of ``newer`` contains ``older``; both are commit IDs.

    The result is None if git cannot tell, for example because a shallow clone lacks one of them.
    """
    try:
        done = run_git(root, environment, ("merge-base", "--is-ancestor", older, newer))
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {0: True, 1: False}.get(done.returncode)
