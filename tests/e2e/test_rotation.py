"""Rotation strategies, as they look from the command line."""

import subprocess

import pytest

HOST = {"host": "db.example.com"}


def commit(office):
    """Commit everything, as a user would before an apply."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], cwd=office.repo.root, check=True, env=office.repo.environment())


def accept(office, *passwords):
    """Let the database know these passwords."""
    office.service.set_targets(
        [{"type": "postgres", "match": HOST, "accepts": {"password": list(passwords)}}]
    )


def rotating(office, strategy, secret):
    """Write the credential with a strategy, and the connection that uses it."""
    office.repo.credential("prod-db", {"password": secret}, rotation={"strategy": strategy, "grace": "7d"})
    office.repo.connection("prod-pg", "prod-db")


def held(office, salt="s"):
    """Return which digests of secrets each credential holds, by name."""
    return {each["name"]: each for each in office.service.list_held_secrets(salt)}


def test_in_place_rolls_back_to_the_secret_in_git(office, canary):
    """The new password fails in use; the old one comes back from the commit that the state names."""
    good, bad = canary(), canary()
    accept(office, good)
    rotating(office, "in_place", good)
    commit(office)
    assert office.repo.inside("apply", "--auto-approve").code == 0
    before = held(office)["prod-db"]
    rotating(office, "in_place", bad)
    done = office.repo.inside("apply", "--auto-approve")
    assert done.code == 1
    assert "rolled back to the previous secret" in " ".join(done.stdout.split())
    assert held(office)["prod-db"]["secrets"] == before["secrets"]
    rotating(office, "in_place", good)
    assert office.repo.inside("plan", "--detailed-exitcode").code == 0


def test_in_place_says_so_when_git_does_not_have_the_secret(office, canary):
    """Nothing was committed, so nothing can be rolled back; that is said, and the exit code is not 0."""
    accept(office, good := canary())
    rotating(office, "in_place", good)
    assert office.repo.inside("apply", "--auto-approve").code == 0
    rotating(office, "in_place", canary())
    done = office.repo.inside("apply", "--auto-approve")
    assert done.code != 0
    assert "rollback failed" in " ".join(done.stdout.split())


def test_replace_keeps_two_generations(office, canary):
    """A new object takes over connection by connection; the old one stays until its day."""
    old, new = canary(), canary()
    accept(office, old, new)
    rotating(office, "replace", old)
    assert office.repo.inside("apply", "--auto-approve").code == 0
    first = held(office)["prod-db"]["id"]
    rotating(office, "replace", new)
    done = office.repo.inside("apply", "--auto-approve")
    assert done.code == 0, done.stdout + done.stderr
    names = held(office)
    assert names["prod-db"]["id"] != first
    assert next(name for name in names if name.startswith("prod-db-until-"))
    connection = next(
        each for each in office.service.read_state()["connections"] if each["name"] == "prod-pg"
    )
    assert connection["credentialId"] == names["prod-db"]["id"]
    assert office.repo.inside("plan", "--detailed-exitcode").code == 0


def test_two_rotations_on_one_day_leave_two_generations(office, canary):
    """Both old generations stay until the same day, under names of their own."""
    secrets = [canary() for _ in range(3)]
    accept(office, *secrets)
    for secret in secrets:
        rotating(office, "replace", secret)
        done = office.repo.inside("apply", "--auto-approve")
        assert done.code == 0, done.stdout + done.stderr
    old = [name for name in held(office) if name.startswith("prod-db-until-")]
    assert len(old) == 2
    assert office.repo.inside("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("strategy", ["verify", "replace"])
def test_a_wrong_password_changes_nothing_that_runs(office, canary, strategy):
    """Under verify and replace the target is asked before anything in use is touched."""
    accept(office, good := canary())
    rotating(office, strategy, good)
    assert office.repo.inside("apply", "--auto-approve").code == 0
    before = held(office)
    rotating(office, strategy, canary())
    assert office.repo.inside("apply", "--auto-approve").code == 1
    after = held(office)
    assert after["prod-db"] == before["prod-db"]
    assert [name for name in after if name.startswith("keyturn-probe")] == []
    rotating(office, strategy, good)
    assert office.repo.inside("plan", "--detailed-exitcode").code == 0
