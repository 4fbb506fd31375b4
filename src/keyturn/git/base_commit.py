"""The base of a change: the commit that a plan without keys compares with, and why it was chosen.

A revision named by the user is taken as it is. Otherwise the base is the merge base of HEAD and the
target branch, which the CI system names; without CI, it is the default branch.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from keyturn.git.clone_state import is_shallow
from keyturn.git.process import ask_git
from keyturn.git.revision import Revision, revision_error
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.plan import PlanBase

TARGET_VARIABLES: Final = (
    "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "GITHUB_BASE_REF",
    "BITBUCKET_PR_DESTINATION_BRANCH",
    "SYSTEM_PULLREQUEST_TARGETBRANCH",
    "CHANGE_TARGET",
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
)
"""The variables in which CI systems name the target of a pull request; the first that is set counts.

A commit of GitLab goes before the branch: with merged results, HEAD contains a newer target branch.
"""

STALE_DAYS: Final = 7
"""Days between the last fetch and the newest commit after which a remote branch counts as stale."""

_DEFAULT_BRANCHES: Final = ("origin/main", "origin/master", "main", "master")
_SECONDS_PER_DAY: Final = 86400


class BaseCommit(Struct, frozen=True):
    """The commit that is the base, and how the plan describes it."""

    revision: Revision
    description: PlanBase


def find_base_commit(root: Path, name: str, environment: Mapping[str, str]) -> BaseCommit:
    """Return the revision ``name``, or the merge base of HEAD and the target branch.

    Raises DiagnosticError KT007 for an unknown revision, and if this clone does not have the merge base.
    """
    if name:
        revision = Revision(root, name, environment)
        return BaseCommit(revision, PlanBase(commit=revision.commit, revision=name, reason="named"))
    head = Revision(root, "HEAD", environment)
    variable = next((each for each in TARGET_VARIABLES if environment.get(each)), "")
    if variable:
        return _find_target_base(head, root, variable, environment)
    return _find_default_base(head, root, environment)


def _find_target_base(
    head: Revision, root: Path, variable: str, environment: Mapping[str, str]
) -> BaseCommit:
    target = environment[variable].removeprefix("refs/heads/")
    names = (target,) if variable.endswith("_SHA") else (f"origin/{target}", target)
    for name in names:
        if commit := head.find_merge_base(name):
            return _build_merge_base(root, commit, name, environment, variable=variable)
    message = f"the base of this branch is unknown: this clone has no common commit with {target}"
    raise DiagnosticError(
        revision_error(
            f"{message}, the target that {variable} names", _explain_fetch(root, environment, target)
        )
    )


def _find_default_base(head: Revision, root: Path, environment: Mapping[str, str]) -> BaseCommit:
    default = ask_git(root, environment, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if default and (commit := head.find_merge_base(default)):
        return _build_merge_base(root, commit, default, environment)
    for name in _DEFAULT_BRANCHES:
        if commit := head.find_merge_base(name):
            guess = _explain_guess(root, environment, name, default)
            return _build_merge_base(root, commit, name, environment, notes=guess)
    cause = "this clone is shallow" if is_shallow(root, environment) else "no default branch was found"
    raise DiagnosticError(
        revision_error(f"the base of this branch is unknown: {cause}", _explain_fetch(root, environment, ""))
    )


def _explain_fetch(root: Path, environment: Mapping[str, str], branch: str) -> str:
    if is_shallow(root, environment):
        fix = "run `git fetch --unshallow` (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)"
    elif branch:
        fix = f"run `git fetch origin {branch}`"
    else:
        fix = "run `git fetch origin`"
    return f"{fix}, or name a revision with --base"


def _build_merge_base(
    root: Path,
    commit: str,
    name: str,
    environment: Mapping[str, str],
    *,
    variable: str = "",
    notes: tuple[str, ...] = (),
) -> BaseCommit:
    revision = Revision(root, commit, environment)
    described = PlanBase(
        commit=commit,
        revision=name,
        reason="merge_base",
        variable=variable,
        notes=(*notes, *_find_staleness(root, environment, name)),
    )
    return BaseCommit(revision, described)


def _explain_guess(root: Path, environment: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    if not name.startswith("origin/"):
        return (f"{name} is a guess: there is no remote branch to compare with",)
    reason = f"origin/HEAD names {default}, which is not here" if default else "origin/HEAD is not set"
    others = [
        each
        for each in _DEFAULT_BRANCHES
        if each != name and each.startswith("origin/") and ask_git(root, environment, "rev-parse", each)
    ]
    also = "".join(f"; {each} exists too" for each in others)
    return (f"{name} is a guess: {reason}{also} (`git remote set-head origin --auto`)",)


def _find_staleness(root: Path, environment: Mapping[str, str], name: str) -> Iterator[str]:
    if not name.startswith("origin/"):
        return
    newest = ask_git(root, environment, "log", "-1", "--format=%ct", "HEAD")
    fetched = _find_fetch_time(root, environment, name)
    days = (int(newest or 0) - fetched) // _SECONDS_PER_DAY if fetched else 0
    if days > STALE_DAYS:
        yield f"{name} may be stale: it was fetched {days} days before the newest commit (`git fetch`)"


def _find_fetch_time(root: Path, environment: Mapping[str, str], name: str) -> int:
    # git writes FETCH_HEAD with each fetch, also if no branch moved; a new clone has only the other files.
    places = ("FETCH_HEAD", f"refs/remotes/{name}", "packed-refs")
    times = [0]
    for place in places:
        path = Path(ask_git(root, environment, "rev-parse", "--git-path", place) or place)
        path = path if path.is_absolute() else root / path
        try:
            times.append(int(path.stat().st_mtime))
        except OSError:
            continue
    return max(times)
