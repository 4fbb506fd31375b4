"""The machine around a project: which sops there are, who may read a key file, which hooks run."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from keyturn.load.keys import AGE_KEY_FILE_VARIABLE

HOOK_FILES: Final = (".pre-commit-config.yaml", ".pre-commit-config.yml", "lefthook.yml", ".husky/pre-commit")
"""Files in which a repository says what runs before a commit."""


def find_sops_binaries(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return every sops that PATH leads to, the one that is used first; links to one file count once."""
    found: dict[Path, Path] = {}
    for folder in environment.get("PATH", "").split(os.pathsep):
        place = Path(folder or ".", "sops")
        if place.is_file() and os.access(place, os.X_OK):
            found.setdefault(place.resolve(), place)
    return tuple(found.values())


def find_key_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files in which sops looks for age keys, as far as they exist."""
    named = environment.get(AGE_KEY_FILE_VARIABLE)
    home = environment.get("HOME")
    config = environment.get("XDG_CONFIG_HOME") or (str(Path(home, ".config")) if home else "")
    for path in (named, str(Path(config, "sops/age/keys.txt")) if config else None):
        if path and Path(path).is_file():
            yield Path(path)


def is_readable_by_others(path: Path) -> bool:
    """Tell whether anybody but the owner may read a file; a file that is not there is read by nobody."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def find_hook_file(root: Path) -> str:
    """Return the file that has keyturn run before a commit, empty where none names it."""
    for name in HOOK_FILES:
        try:
            if "keyturn" in (root / name).read_text("utf-8"):
                return name
        except (OSError, UnicodeDecodeError):
            continue
    return ""


def is_hook_installed(root: Path) -> bool | None:
    """Tell whether git runs anything before a commit; None where ``root`` is not the top of a clone."""
    folder = root / ".git"
    if not folder.is_dir():
        return None
    hook = folder / "hooks" / "pre-commit"
    return hook.is_file() and os.access(hook, os.X_OK)
