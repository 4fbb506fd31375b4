"""The example of a program: it plans, draws, applies and fails as its page says, with real parts."""

import sys

import pytest

from keyturn.operations.run_context import open_run_context
from keyturn.state.lock import LockHolder, acquire_lock
from offices import office
from running import execute
from sources import ROOT

PROGRAM = ROOT / "examples" / "library" / "deploy.py"

__all__ = ["office"]


@pytest.fixture
def deploy(office):
    """Return a function that runs the program for the office."""

    def run(workspace="prod", **more):
        words = [sys.executable, PROGRAM, office.repo.root, workspace]
        return execute(words, cwd=office.repo.home, env=office.repo.environment(**more))

    return run


@pytest.fixture
def live(office, canary):
    """Put a credential and a connection into git, and return the office."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    return office


def test_it_is_as_short_as_a_page_shows():
    """Forty lines at most."""
    assert len(PROGRAM.read_text().splitlines()) <= 40


def test_it_plans_draws_and_applies(live, deploy):
    """The plan stands in a file, the report on the screen, the objects in the workspace."""
    ended = deploy()
    assert (ended.code, ended.stderr) == (0, "")
    assert "### Keyturn plan for `prod`" in (live.repo.home / "plan.md").read_text()
    assert ended.stdout.endswith("Apply: 2 done.\n")
    assert (set(live.live()), set(live.live("connections"))) == ({"prod-db"}, {"prod-pg"})


def test_again_there_is_nothing_to_do(live, deploy):
    """And that is as git says, too."""
    assert deploy().code == 0
    writes = live.writes()
    ended = deploy()
    assert (ended.code, ended.stdout) == (0, "Apply: nothing to do.\n")
    assert live.writes() == writes


def test_what_takes_something_away_waits(live, deploy):
    """Nothing is retired without a person."""
    assert deploy().code == 0
    live.repo.remove("prod-pg")
    ended = deploy()
    assert (ended.code, ended.stdout) == (1, "plan.md retires or replaces an object: a person has to review it\n")
    assert set(live.live("connections")) == {"prod-pg"}


def test_what_is_refused_is_explained(live, deploy):
    """A secret on its way to a new host: the findings, their fix, and nothing written."""
    assert deploy().code == 0
    file = live.repo.root / "manifests/prod/connections/prod-pg.yaml"
    file.write_text(file.read_text().replace("db.example.com", "db.example.net"))
    writes = live.writes()
    ended = deploy()
    assert (ended.code, ended.stdout) == (1, "")
    assert "error[KT451]" in ended.stderr
    assert "keyturn explain KT451" in ended.stderr
    assert live.writes() == writes


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
def test_what_goes_wrong_is_said(live, deploy, more, code):
    """A wrong name, no key, a wrong one, no decryption key, a stranger's event: one message each."""
    ended = deploy(**more)
    assert ended.code == 1
    assert f"error[{code}]" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert live.writes() == 0


def test_somebody_else_applies(live, deploy):
    """The lock is respected, and its holder named."""
    with open_run_context(live.repo.root, "", live.repo.environment()) as run:
        acquire_lock(run.store, LockHolder(id="1", who="eve", host="elsewhere", ttl=600), run.clock)
    ended = deploy()
    assert ended.code == 1
    assert "error[KT610]: eve on elsewhere holds the lock" in ended.stderr
    assert live.writes() == 0
