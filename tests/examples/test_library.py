"""The example program: it plans, renders, applies and fails as its page shows."""

import sys

import pytest

from keyturn.operations.run_context import open_run_context
from keyturn.state.lock import LockHolder, acquire_lock
from sources import ROOT
from subprocess_runner import run_command
from workspace_setup import setup

PROGRAM = ROOT / "examples" / "library" / "deploy.py"

__all__ = ["setup"]


@pytest.fixture
def deploy(setup):
    """Return a function that runs the program in the repository."""

    def run(workspace="prod", **more):
        words = [sys.executable, PROGRAM, setup.repo.root, workspace]
        return run_command(words, cwd=setup.repo.home, env=setup.repo.environment(**more))

    return run


@pytest.fixture
def live(setup, canary):
    """Write a credential and a connection to the repository."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    return setup


def test_the_program_is_short():
    """The program has at most 40 lines."""
    assert len(PROGRAM.read_text().splitlines()) <= 40


def test_the_program_applies_its_plan(live, deploy):
    """It writes the plan to a file, prints the report, and creates the objects."""
    ended = deploy()
    assert (ended.code, ended.stderr) == (0, "")
    assert "### Keyturn plan for `prod`" in (live.repo.home / "plan.md").read_text()
    assert ended.stdout.endswith("Apply: 2 done.\n")
    assert (set(live.live()), set(live.live("connections"))) == ({"prod-db"}, {"prod-pg"})


def test_a_second_run_writes_nothing(live, deploy):
    """Without changes, the program exits 0 and sends no write."""
    assert deploy().code == 0
    writes = live.count_writes()
    ended = deploy()
    assert (ended.code, ended.stdout) == (0, "Apply: nothing to do.\n")
    assert live.count_writes() == writes


def test_a_retirement_needs_a_review(live, deploy):
    """The program does not apply a plan that retires an object."""
    assert deploy().code == 0
    live.repo.remove("prod-pg")
    ended = deploy()
    assert (ended.code, ended.stdout) == (
        1,
        "plan.md retires or replaces an object: a person has to review it\n",
    )
    assert set(live.live("connections")) == {"prod-pg"}


def test_a_blocked_plan_is_explained(live, deploy):
    """An exposure prints its diagnostic, and nothing is written."""
    assert deploy().code == 0
    file = live.repo.root / "manifests/prod/connections/prod-pg.yaml"
    file.write_text(file.read_text().replace("db.example.com", "db.example.net"))
    writes = live.count_writes()
    ended = deploy()
    assert (ended.code, ended.stdout) == (1, "")
    assert "error[KT451]" in ended.stderr
    assert "keyturn explain KT451" in ended.stderr
    assert live.count_writes() == writes


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"workspace": "stage"}, "KT005"),
        ({"PLANASONIX_API_KEY": ""}, "KT030"),
        ({"PLANASONIX_API_KEY": "plnx_live_another"}, "KT502"),
        ({"SOPS_AGE_KEY_FILE": "/dev/null"}, "KT020"),
        ({"GITHUB_EVENT_NAME": "pull_request_target"}, "KT031"),
    ],
)
def test_an_error_prints_its_code(live, deploy, more, code):
    """Wrong workspace, missing or wrong API key, missing decryption key, untrusted CI event."""
    ended = deploy(**more)
    assert ended.code == 1
    assert f"error[{code}]" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert live.count_writes() == 0


def test_a_held_lock_is_an_error(live, deploy):
    """The message names the holder of the lock."""
    with open_run_context(live.repo.root, "", live.repo.environment()) as run:
        acquire_lock(run.store, LockHolder(id="1", who="eve", host="elsewhere", ttl=600), run.clock)
    ended = deploy()
    assert ended.code == 1
    assert "error[KT610]: eve on elsewhere holds the lock" in ended.stderr
    assert live.count_writes() == 0
