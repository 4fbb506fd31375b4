"""Why a clone lacks a revision or an object, and the command that fetches it."""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from keyturn.git.process import ask_git, find_work_tree

_COMMIT_PATTERN: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_shallow(root: Path, environment: Mapping[str, str]) -> bool:
    """Tell whether the history of the clone is cut off."""
    return ask_git(root, environment, "rev-parse", "--is-shallow-repository") == "true"


def find_promisor(root: Path, environment: Mapping[str, str]) -> str:
    """Return the remote from which a partial clone fetches missing objects; empty for a complete clone."""
    found = ask_git(root, environment, "config", "--get-regexp", r"^remote\..*\.promisor$", "true")
    return found.partition("\n")[0].rpartition(".promisor")[0].removeprefix("remote.")


def explain_missing_revision(root: Path, environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return why git does not find a revision, empty if only the name is wrong, and what to do."""
    unreadable = _explain_unreadable(root)
    if unreadable:
        return unreadable
    if is_shallow(root, environment):
        return "this clone is shallow", "run `git fetch --unshallow` (actions/checkout: fetch-depth: 0)"
    remote, _, branch = name.partition("/")
    if branch and remote in ask_git(root, environment, "remote").split():
        return "", f"run `git fetch {shlex.quote(remote)} {shlex.quote(branch)}`, or name another revision"
    if _COMMIT_PATTERN.fullmatch(name):
        return "", f"run `git fetch origin {name}`, or name another revision"
    hint = "name a branch, a tag or a commit of this clone; `git fetch --all --tags` fetches those of remotes"
    return "", hint


def explain_missing_objects(root: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return why git cannot read the objects of a commit that it has, and what to do."""
    unreadable = _explain_unreadable(root)
    if unreadable:
        return unreadable
    remote = find_promisor(root, environment)
    if remote:
        fix = f"run `git fetch --refetch --no-filter {shlex.quote(remote)}` (actions/checkout: no filter)"
        return "this clone is partial, and keyturn fetches nothing", fix
    return "objects are missing or damaged", "run `git fsck` here to see the reason"


def _explain_unreadable(root: Path) -> tuple[str, str] | None:
    work_tree = find_work_tree(root)
    entry = (work_tree or root) / ".git"
    if work_tree is None:
        return "this is not a git repository", "run the command in a clone, or without a revision"
    if os.access(entry, os.R_OK | os.X_OK) or (entry.is_file() and os.access(entry, os.R_OK)):
        return None
    owner = entry.stat().st_uid
    fix = f"run `sudo chown -R {os.geteuid()} {shlex.quote(str(entry))}`, or run keyturn as that user"
    return f"the repository belongs to the user with ID {owner} and is not readable", fix
