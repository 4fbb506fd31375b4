"""How git is run: with little of the environment, and nothing that a repository's settings could start."""

from collections.abc import Mapping
from typing import Final

GIT_COMMAND: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false")
"""What every call begins with."""

_PASSED_VARIABLES: Final = ("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CEILING_DIRECTORIES")
_PASSED_PREFIX: Final = "GIT_CONFIG"
_FIXED_VARIABLES: Final = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # Before 2.45 git knows of no lazy fetch that could be forbidden; without any protocol it fails.
    "GIT_ALLOW_PROTOCOL": "",
}


def build_git_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what git is given: PATH, HOME and its own settings of ``environment``, and nothing else."""
    passed = {
        key: value for key, value in environment.items() if key in _PASSED_VARIABLES or key.startswith(_PASSED_PREFIX)
    }
    return _FIXED_VARIABLES | passed
