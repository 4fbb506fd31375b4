"""Rotation strategies on the command line."""

import subprocess

import pytest

HOST = {"host": "db.example.com"}


def commit(setup):
    """Commit everything, as a user would before an apply."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], cwd=setup.repo.root, check=True, env=setup.repo.environment())


def accept(setup, *passwords):
    """Let the database know these passwords."""
    setup.service.set_targets([{"type": "postgres", "match": HOST, "accepts": {"password": list(passwords)}}])


def rotating(setup, strategy, secret):
    """Write the credential with a strategy, and the connection that uses it."""
    setup.repo.credential("prod-db", {"password": secret}, rotation={"strategy": strategy, "grace": "7d"})
    setup.repo.connection("prod-pg", "prod-db")


def held(setup, salt="s"):
    """Return the digests of the secrets of each credential by name."""
    return {each["name"]: each for each in setup.service.list_held_secrets(salt)}


def test_in_place_rolls_back_to_the_secret_in_git(setup, canary):
    """The new password fails; the old one is restored from the commit in the state."""
    good, bad = canary(), canary()
    accept(setup, good)
    rotating(setup, "in_place", good)
    commit(setup)
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0
    before = held(setup)["prod-db"]
    rotating(setup, "in_place", bad)
    done = setup.repo.run_in_process("apply", "--auto-approve")
    assert done.code == 1
    assert "rolled back to the previous secret" in " ".join(done.stdout.split())
    assert held(setup)["prod-db"]["secrets"] == before["secrets"]
    rotating(setup, "in_place", good)
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 0


def test_in_place_without_the_old_secret_in_git(setup, canary):
    """Without a commit there is no rollback; the output says so, and the exit code is not 0."""
    accept(setup, good := canary())
    rotating(setup, "in_place", good)
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0
    rotating(setup, "in_place", canary())
    done = setup.repo.run_in_process("apply", "--auto-approve")
    assert done.code != 0
    assert "rollback failed" in " ".join(done.stdout.split())


def test_replace_keeps_two_generations(setup, canary):
    """Connections move to the new object one by one; the old one is kept for the grace period."""
    old, new = canary(), canary()
    accept(setup, old, new)
    rotating(setup, "replace", old)
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0
    first = held(setup)["prod-db"]["id"]
    rotating(setup, "replace", new)
    done = setup.repo.run_in_process("apply", "--auto-approve")
    assert done.code == 0, done.stdout + done.stderr
    names = held(setup)
    assert names["prod-db"]["id"] != first
    assert next(name for name in names if name.startswith("prod-db-until-"))
    connection = next(each for each in setup.service.read_state()["connections"] if each["name"] == "prod-pg")
    assert connection["credentialId"] == names["prod-db"]["id"]
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 0


def test_two_rotations_on_one_day_leave_two_generations(setup, canary):
    """Both old generations are kept under different names."""
    secrets = [canary() for _ in range(3)]
    accept(setup, *secrets)
    for secret in secrets:
        rotating(setup, "replace", secret)
        done = setup.repo.run_in_process("apply", "--auto-approve")
        assert done.code == 0, done.stdout + done.stderr
    old = [name for name in held(setup) if name.startswith("prod-db-until-")]
    assert len(old) == 2
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("strategy", ["verify", "replace"])
def test_a_wrong_password_does_not_change_live_objects(setup, canary, strategy):
    """The strategies verify and replace test the password before they change a live object."""
    accept(setup, good := canary())
    rotating(setup, strategy, good)
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0
    before = held(setup)
    rotating(setup, strategy, canary())
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 1
    after = held(setup)
    assert after["prod-db"] == before["prod-db"]
    assert [name for name in after if name.startswith("keyturn-probe")] == []
    rotating(setup, strategy, good)
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 0
