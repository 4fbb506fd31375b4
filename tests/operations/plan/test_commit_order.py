"""A plan that would undo a newer commit."""

import pytest
from msgspec.structs import replace

from git_history import commit_all, run_git
from keyturn.git.revision import resolve_head
from keyturn.model.change import Action, Change
from keyturn.operations.plan.commit_order import find_older_commit
from sample_resources import connection_address, make_desired, make_live_object, make_state_entry

PG = connection_address("prod-pg")


@pytest.fixture
def older(setup, begin):
    """Return a run of the first of two commits, and the second."""
    commit_all(setup)
    (setup.repo.root / "note").write_text("second")
    commit_all(setup)
    newer = resolve_head(setup.repo.root, setup.repo.environment())
    run_git(setup, "checkout", "-q", "HEAD~1")
    return begin(), newer


def make_change(action, commit, *, is_same=False):
    """Return a change of an object that was written by a commit."""
    desired = make_desired(PG, {"host": "a"})
    entry = replace(make_state_entry(desired, "id1"), commit=commit)
    if not is_same:
        desired = replace(desired, digest="another")
    sides = {"desired": desired} if action is not Action.RETIRE else {}
    return Change(action=action, address=PG, entry=entry, live=make_live_object(entry), **sides)


@pytest.mark.parametrize("action", [Action.UPDATE, Action.ROTATE, Action.RETIRE, Action.RENAME])
def test_a_newer_commit_would_be_undone(older, action):
    """The error names both commits and the change."""
    run, newer = older
    (finding,) = find_older_commit(run, [make_change(action, newer)], is_allowed=False)
    assert finding.code == "KT478"
    assert newer[:12] in finding.message
    assert run.actor.commit[:12] in finding.message
    assert f"{action.value} connection/prod-pg" in finding.message


def test_what_undoes_nothing(older):
    """The same commit, an unknown one, none, the manifest that was applied, and a consent."""
    run, newer = older
    for commit in ("", run.actor.commit, "f" * 40):
        assert find_older_commit(run, [make_change(Action.UPDATE, commit)], is_allowed=False) == ()
    same = make_change(Action.UPDATE, newer, is_same=True)
    assert find_older_commit(run, [same, make_change(Action.NO_OP, newer)], is_allowed=False) == ()
    assert find_older_commit(run, [make_change(Action.UPDATE, newer)], is_allowed=True) == ()
    assert find_older_commit(run, [Change(action=Action.CREATE, address=PG)], is_allowed=False) == ()


def test_many_changes_are_counted(older):
    """One error for a commit, with the first changes."""
    run, newer = older
    changes = [
        replace(make_change(Action.UPDATE, newer), address=connection_address(f"prod-{n}")) for n in range(9)
    ]
    (finding,) = find_older_commit(run, changes, is_allowed=False)
    assert "9 changes would undo it" in finding.message
    assert finding.message.endswith("update connection/prod-4 and 4 more")
