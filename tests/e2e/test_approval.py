"""Approved plans across merges: reviewed operations are applied, different operations are rejected."""

import re
import shutil
from dataclasses import replace

import pyrage
import pytest

from git_history import commit_all, run_git

SAME = "The operations are those of the reviewed plan, and no object has changed since."
OTHER = "The plan differs from the reviewed plan:"


def head(setup):
    """Return the commit that is checked out."""
    return (setup.repo.root / ".git" / "refs" / "heads" / branch(setup)).read_text().strip()


def branch(setup):
    """Return the branch that is checked out."""
    return (setup.repo.root / ".git" / "HEAD").read_text().strip().rpartition("/")[2]


def flat(text):
    """Return text without its folds."""
    return " ".join(text.split())


@pytest.fixture
def calm(canary):
    """Return a secret that no change is about."""
    return canary()


@pytest.fixture
def reviewed(setup, calm, canary):
    """Return a setup with a branch on which a plan to rotate and to create was saved and reviewed."""
    (setup.repo.root / ".gitignore").write_text("*.kt\n.keyturn/prod/\n")
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.credential("prod-calm", {"password": calm})
    setup.repo.connection("prod-pg", "prod-db")
    commit_all(setup)
    assert setup.run("apply", "--yes").code == 0
    run_git(setup, "checkout", "-q", "-b", "change")
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-more", "prod-db")
    commit_all(setup)
    assert setup.run("plan", "--out", "plan.kt").code == 0
    return setup


def merged(setup):
    """Merge the branch into main with a commit of its own; return both commits."""
    before = head(setup)
    run_git(setup, "checkout", "-q", "main")
    run_git(setup, "merge", "-q", "--no-ff", "-m", "Merge", "change")
    return before[:12], head(setup)[:12]


def on_main(setup, change):
    """Commit a change on main, and go back to the branch."""
    run_git(setup, "checkout", "-q", "main")
    change()
    commit_all(setup)
    run_git(setup, "checkout", "-q", "change")


def test_a_merge_with_the_same_content_is_applied(reviewed):
    """The output names both commits and no other change."""
    before, after = merged(reviewed)
    assert before != after
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"Saved plan: commit {before}; current plan: commit {after}.",
        SAME,
        "No other changes since the review.",
    ]
    assert set(reviewed.live("connections")) == {"prod-pg", "prod-more"}
    assert reviewed.run("plan", "--detailed-exitcode").code == 0


def test_a_digest_holds_across_a_merge(reviewed):
    """Only the digest of the plan is kept between the review and the merge."""
    (digest,) = re.findall(r"kt2-\w{38}", reviewed.run("show", "plan.kt").stdout)
    merged(reviewed)
    assert reviewed.run("apply", "--approve", digest).code == 0
    assert set(reviewed.live("connections")) == {"prod-pg", "prod-more"}


def test_another_policy_is_rejected_before_the_first_request(reviewed):
    """The policy decides what an apply may do, so the approval covers it."""
    on_main(reviewed, lambda: reviewed.repo.project(policy={"limits": {"retire": {"count": 99}}}))
    merged(reviewed)
    requests = len(reviewed.service.list_requests())
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 4
    said = flat(done.stderr)
    assert 'policy.limits: was {"retire": {"count": 5, "percent": 20}' in said
    assert 'is {"retire": {"count": 99' in said
    assert len(reviewed.service.list_requests()) == requests


def test_a_new_recipient_of_another_file_is_rejected(reviewed, calm):
    """No operation needs the file, but an apply records its content; the access change is listed."""
    stranger = str(pyrage.x25519.Identity.generate().to_public())

    def change():
        ours = reviewed.repo.age
        reviewed.repo.age = replace(ours, recipient=f"{ours.recipient},{stranger}")
        reviewed.repo.credential("prod-calm", {"password": calm})
        reviewed.repo.age = ours

    on_main(reviewed, change)
    merged(reviewed)
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 4
    said = flat(done.stderr)
    assert "credential/prod-calm manifest different content, which an apply records" in said
    assert "KT652]: the plan is now" in said
    assert f"prod-calm.yaml access KT480 warning: age:{stranger} can now decrypt this file" in said


def test_a_merge_that_changes_only_the_pace_is_applied(reviewed):
    """The reviewed plan is applied, and the new pace is listed."""
    on_main(reviewed, lambda: reviewed.repo.project(pace=50))
    merged(reviewed)
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 0, done.stderr
    assert SAME in done.stderr
    assert "pace  no limit then, 50 requests a second now" in done.stderr


def test_a_merge_with_different_content_is_rejected(reviewed):
    """The output compares both plans, and nothing is written."""
    place = {"host": "db.example.com", "port": 5432, "database": "other"}
    on_main(reviewed, lambda: reviewed.repo.connection("prod-pg", "prod-db", place))
    merged(reviewed)
    writes = reviewed.count_writes()
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 4
    said = flat(done.stderr)
    assert OTHER in said
    assert "connection/prod-pg update added" in said
    assert "error[KT652]" in said
    assert reviewed.count_writes() == writes


def test_each_changed_field_shows_both_values(reviewed, canary):
    """A field shows the reviewed and the current value; a secret only shows that its ciphertext differs."""
    place = {"host": "db.example.com", "port": 5432, "database": "third"}
    reviewed.repo.connection("prod-more", "prod-db", place)
    reviewed.repo.credential("prod-db", {"password": canary()})
    commit_all(reviewed)
    said = flat(reviewed.run("apply", "plan.kt").stderr)
    assert "config.database (not set) → app then, (not set) → third now" in said
    assert "secrets.password different ciphertext" in said
    assert "manifest different content" in said


def test_a_live_object_changed_after_the_review(reviewed):
    """The output shows both times of change."""
    reviewed.service.set_clock(advance=60)
    reviewed.service.edit_in_ui("credentials", "prod-db", config={"username": "eve"})
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 4
    assert "live object changed meanwhile:" in flat(done.stderr)
    assert "config.username" in done.stderr


def test_a_new_user_of_a_rotated_credential_needs_another_review(reviewed):
    """A connection that was made in the UI after the review would get the new secret."""
    identity = reviewed.live()["prod-db"]["id"]
    where = {"type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}}
    reviewed.service.seed_objects(connections=[{"name": "made-in-ui", "credentialId": identity, **where}])
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 4, done.stderr
    said = flat(done.stderr)
    assert "new finding KT451 error" in said
    assert "used by 1 connection, no pipelines" not in said
    assert (
        "impact used by 1 connection; no scheduled runs then; used by 2 connections; no scheduled runs now"
        in said
    )
    assert "new user connection/made-in-ui" in said


def test_a_shallow_clone_cannot_review_access_changes(reviewed):
    """A missing reviewed commit is a note, and the plan is applied."""
    _, after = merged(reviewed)
    clone = reviewed.repo.root.parent / "clone"
    run_git(reviewed, "clone", "-q", "--depth", "1", f"file://{reviewed.repo.root}", str(clone))
    shutil.copytree(reviewed.repo.root / ".keyturn/prod", clone / ".keyturn/prod")
    shutil.copy(reviewed.repo.root / "plan.kt", clone / "plan.kt")
    done = reviewed.run("apply", "-C", str(clone), "plan.kt")
    assert done.code == 0, done.stderr
    assert f"current plan: commit {after}." in done.stderr
    assert "access  KT485 note: access changes were not reviewed" in flat(done.stderr).replace(
        "access KT485", "access  KT485"
    )


def test_saved_plan_outside_git(setup, canary):
    """The plans are compared without commits."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("plan", "--out", "plan.kt").code == 0
    done = setup.run("apply", "plan.kt")
    assert done.code == 0
    assert done.stderr.splitlines()[0] == "Saved plan and current plan: no commit."


def test_a_plan_for_another_organization_is_rejected(reviewed):
    """The command exits 5 before the first request."""
    text = (reviewed.repo.root / "keyturn.yaml").read_text()
    other = text.replace(reviewed.repo.organization, "org_01another")
    assert other != text
    (reviewed.repo.root / "keyturn.yaml").write_text(other)
    before = len(reviewed.service.list_requests())
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 5
    assert (
        f"error[KT650]: this saved plan is for organization {reviewed.repo.organization}, not" in done.stderr
    )
    assert len(reviewed.service.list_requests()) == before
