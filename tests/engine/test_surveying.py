"""The part of a check-up that needs no service."""

import pytest

from keyturn.core.health import State
from keyturn.engine import surveying
from keyturn.load.project import read_project


@pytest.fixture
def settled(office, canary):
    """Return an office with a credential."""
    office.repo.credential("prod-db", {"password": canary()})
    return office


def states(checks):
    """Return the state of each check, with its code."""
    return [(each.state, each.code) for each in checks]


def test_without_sops_nothing_else_is_said_of_it(tmp_path, monkeypatch):
    """One finding, and no version."""
    monkeypatch.setattr("keyturn.load.sops_binary._bundled", lambda: None)
    assert states(surveying.tools({"PATH": str(tmp_path)})) == [(State.BROKEN, "KT010")]


@pytest.mark.parametrize("name", surveying.IGNORED)
def test_each_variable_that_could_lead_elsewhere_is_named(name):
    """Set and ignored; empty is not set."""
    (check,) = surveying.variables({name: "x"})
    assert (check.state, check.code) == (State.NOTE, "KT084")
    assert name in check.message
    assert list(surveying.variables({name: ""})) == []


def test_keys_without_a_project(settled):
    """What is at hand is told; what it opens is not known."""
    (check,) = surveying.keys({"SOPS_AGE_KEY_FILE": str(settled.repo.age.file)}, None)
    assert settled.repo.age.recipient in check.message


def test_many_errors_are_counted(settled):
    """Five are told, the rest is a number."""
    for number in range(8):
        path = settled.repo.root / f"manifests/prod/connections/prod-{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kind: nothing\n")
    project = read_project(settled.repo.root)
    checks = list(
        surveying.manifests(settled.repo.environment(), project, project.workspace(), decrypt=False)
    )
    broken = [each for each in checks if each.state is State.BROKEN]
    assert len(broken) == surveying.SHOWN + 1
    assert "more errors" in broken[-1].message
    assert checks[-1].state is State.UNTRIED


def test_hooks(tmp_path):
    """None, named but not installed, installed."""
    assert states(surveying.hooks(tmp_path)) == [(State.DOUBT, "KT085")]
    (tmp_path / ".pre-commit-config.yaml").write_text("keyturn\n")
    assert states(surveying.hooks(tmp_path)) == [(State.UNTRIED, "")]
    (tmp_path / ".git/hooks").mkdir(parents=True)
    assert states(surveying.hooks(tmp_path)) == [(State.DOUBT, "KT085")]
    (tmp_path / ".git/hooks/pre-commit").touch(0o755)
    assert states(surveying.hooks(tmp_path)) == [(State.GOOD, "")]
