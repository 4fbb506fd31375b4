"""Approval binds what was reviewed: across merges, and against every way in which a plan may be another."""

import re
import shutil

import pyrage
import pytest
from msgspec.structs import replace

from git_history import commit_all, run_git

SAME = "What would be done is what was reviewed, and every object is as it was then."
OTHER = "What would be done is not what was reviewed:"


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


def test_a_merge_commit_with_the_same_content_is_applied(reviewed):
    """Another commit, the same plan: said so, and nothing else is."""
    before, after = merged(reviewed)
    assert before != after
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"The saved plan was made of {before}, this one of {after}.",
        SAME,
        "Nothing else that was reviewed has moved.",
    ]
    assert set(reviewed.live("connections")) == {"prod-pg", "prod-more"}
    assert reviewed.run("plan", "--detailed-exitcode").code == 0


def test_a_digest_holds_across_a_merge(reviewed):
    """Nothing is stored between the review and the merge but thirty letters."""
    (digest,) = re.findall(r"kt1-\w{26}", reviewed.run("show", "plan.kt").stdout)
    merged(reviewed)
    assert reviewed.run("apply", "--approve", digest).code == 0
    assert set(reviewed.live("connections")) == {"prod-pg", "prod-more"}


def test_what_a_merge_brought_beside_the_plan_is_told(reviewed, calm):
    """A stranger who can decrypt from now on, and a new rule: no operation, and yet to be read."""
    stranger = str(pyrage.x25519.Identity.generate().to_public())

    def change():
        reviewed.repo.project(policy={"required_labels": ["owner"], "rules": {"KT310": "warning"}})
        ours = reviewed.repo.age
        reviewed.repo.age = replace(ours, recipient=f"{ours.recipient},{stranger}")
        reviewed.repo.credential("prod-calm", {"password": calm})
        reviewed.repo.age = ours

    on_main(reviewed, change)
    merged(reviewed)
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 0, done.stderr
    said = flat(done.stderr)
    assert SAME in said
    assert "connection/prod-more new finding KT310 warning: the label owner is missing" in said
    assert f"prod-calm.yaml access KT480 warning: age:{stranger} can decrypt" in said


def test_a_merge_that_brings_another_pace_alone_is_applied(reviewed):
    """What was reviewed is done; that it takes longer is said."""
    on_main(reviewed, lambda: reviewed.repo.project(pace=50))
    merged(reviewed)
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 0, done.stderr
    assert SAME in done.stderr
    assert "pace  no bound then, 50 requests a second now" in done.stderr


def test_a_merge_with_other_content_is_refused(reviewed):
    """What was reviewed and what would be done now stand side by side; nothing is written."""
    place = {"host": "db.example.com", "port": 5432, "database": "other"}
    on_main(reviewed, lambda: reviewed.repo.connection("prod-pg", "prod-db", place))
    merged(reviewed)
    writes = reviewed.count_writes()
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 4
    said = flat(done.stderr)
    assert OTHER in said
    assert "connection/prod-pg update is new" in said
    assert "error[KT652]" in said
    assert reviewed.count_writes() == writes


def test_then_and_now_are_told_of_each_field(reviewed, canary):
    """Edited once more after the review: the reviewed value, the one now, the secret by its ciphertext."""
    place = {"host": "db.example.com", "port": 5432, "database": "third"}
    reviewed.repo.connection("prod-more", "prod-db", place)
    reviewed.repo.credential("prod-db", {"password": canary()})
    commit_all(reviewed)
    said = flat(reviewed.run("apply", "plan.kt").stderr)
    assert "config.database (not set) → app then, (not set) → third now" in said
    assert "secrets.password another ciphertext" in said
    assert "manifest its content is another one" in said


def test_an_object_that_was_written_meanwhile(reviewed):
    """The live object moved: both times are told."""
    reviewed.service.set_clock(advance=60)
    reviewed.service.edit_in_ui("credentials", "prod-db", config={"username": "eve"})
    done = reviewed.run("apply", "plan.kt")
    assert done.code == 4
    assert "live object written meanwhile:" in flat(done.stderr)
    assert "config.username" in done.stderr


def test_a_new_user_is_told_and_is_no_obstacle(reviewed):
    """Somebody builds a connection on the credential after the review: the plan holds, the reach does not."""
    identity = reviewed.live()["prod-db"]["id"]
    where = {"type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}}
    reviewed.service.seed_objects(connections=[{"name": "made-in-ui", "credentialId": identity, **where}])
    done = reviewed.run("apply", "plan.kt", "--no-test")
    assert done.code == 0, done.stderr
    said = flat(done.stderr)
    assert "used by 1 connection, no pipelines" not in said
    assert (
        "reach used by 1 connection; nothing scheduled then; used by 2 connections; nothing scheduled now"
        in said
    )
    assert "new user connection/made-in-ui" in said


def test_a_shallow_clone_cannot_tell_who_gained_access(reviewed):
    """The reviewed commit is not there: said as a note, and the plan still holds."""
    _, after = merged(reviewed)
    clone = reviewed.repo.root.parent / "clone"
    run_git(reviewed, "clone", "-q", "--depth", "1", f"file://{reviewed.repo.root}", str(clone))
    shutil.copytree(reviewed.repo.root / ".keyturn/prod", clone / ".keyturn/prod")
    shutil.copy(reviewed.repo.root / "plan.kt", clone / "plan.kt")
    done = reviewed.run("apply", "-C", str(clone), "plan.kt")
    assert done.code == 0, done.stderr
    assert f"this one of {after}." in done.stderr
    assert "access  KT485 note: access changes were not reviewed" in flat(done.stderr).replace(
        "access KT485", "access  KT485"
    )


def test_outside_of_git_there_is_no_commit(setup, canary):
    """A folder that no git knows: the plan is compared all the same."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("plan", "--out", "plan.kt").code == 0
    done = setup.run("apply", "plan.kt")
    assert done.code == 0
    assert done.stderr.splitlines()[0] == "The saved plan was made of no commit, as this one is."


def test_a_plan_for_another_organization_is_refused(reviewed):
    """The file says whose plan it is: 5, before the service is asked for anything."""
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
