"""Commits have a direction: an apply of an older commit would undo what a newer one changed."""

from collections.abc import Iterable

from keyturn.git.ancestry import is_ancestor
from keyturn.model.address import SourceLocation
from keyturn.model.change import Change
from keyturn.model.diagnostic import Diagnostic, error_diagnostic, pluralize
from keyturn.model.plan import NO_OP_ACTIONS
from keyturn.operations.run_context import RunContext

_MAX_LISTED_CHANGES = 5


def find_older_commit(
    run: RunContext, changes: Iterable[Change], *, is_allowed: bool
) -> tuple[Diagnostic, ...]:
    """Return KT478 for each applied commit that contains HEAD and that the changes would undo.

    The result is empty if the user allows it. A commit that git does not have is not compared.
    """
    head = run.actor.commit
    if not head or is_allowed:
        return ()
    undone: dict[str, list[Change]] = {}
    for change in changes:
        if change.entry and change.entry.commit not in ("", head) and _undoes_entry(change):
            undone.setdefault(change.entry.commit, []).append(change)
    return tuple(
        _older_commit_error(head, newer, undone[newer])
        for newer in sorted(undone)
        if is_ancestor(run.root, head, newer, run.environment)
    )


def _undoes_entry(change: Change) -> bool:
    # With the manifest that was applied, the change only repairs what was changed outside of git.
    if change.action in NO_OP_ACTIONS or change.entry is None:
        return False
    return change.desired is None or change.desired.digest != change.entry.digest


def _older_commit_error(head: str, newer: str, changes: list[Change]) -> Diagnostic:
    more = len(changes) - _MAX_LISTED_CHANGES
    listed = ", ".join(f"{each.action.value} {each.address}" for each in changes[:_MAX_LISTED_CHANGES])
    listed += f" and {more} more" if more > 0 else ""
    return error_diagnostic(
        "KT478",
        SourceLocation("state"),
        f"commit {head[:12]} is older than {newer[:12]}, which was applied; "
        f"{pluralize(len(changes), 'change')} would undo it: {listed}",
        "apply the newest commit; to go back, use `git revert`, or pass --allow-older-commit",
    )
