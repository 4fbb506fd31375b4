"""The part of a check-up that needs no service."""

import pytest

from keyturn.model.results import CheckStatus
from keyturn.operations.doctor import local_checks
from keyturn.project.project import read_project


@pytest.fixture
def settled(office, canary):
    """Return an office with a credential."""
    office.repo.credential("prod-db", {"password": canary()})
    return office


def states(checks):
    """Return the state of each check, with its code."""
    return [(each.status, each.code) for each in checks]


def test_without_sops_nothing_else_is_said_of_it(tmp_path, monkeypatch):
    """One finding, and no version."""
    monkeypatch.setattr("keyturn.sops.binary._find_bundled_sops", lambda: None)
    assert states(local_checks.check_sops({"PATH": str(tmp_path)})) == [(CheckStatus.FAILED, "KT010")]


@pytest.mark.parametrize("name", local_checks.IGNORED_VARIABLES)
def test_each_variable_that_could_lead_elsewhere_is_named(name):
    """Set and ignored; empty is not set."""
    (check,) = local_checks.check_environment({name: "x"})
    assert (check.status, check.code) == (CheckStatus.NOTE, "KT084")
    assert name in check.message
    assert list(local_checks.check_environment({name: ""})) == []


def test_keys_without_a_project(settled):
    """What is at hand is told; what it opens is not known."""
    (check,) = local_checks.check_decryption_keys({"SOPS_AGE_KEY_FILE": str(settled.repo.age.file)}, None)
    assert settled.repo.age.recipient in check.message


def test_many_errors_are_counted(settled):
    """Five are told, the rest is a number."""
    for number in range(8):
        path = settled.repo.root / f"manifests/prod/connections/prod-{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kind: nothing\n")
    project = read_project(settled.repo.root)
    checks = list(
        local_checks.check_manifests(
            settled.repo.environment(), project, project.find_workspace(), decrypt=False
        )
    )
    broken = [each for each in checks if each.status is CheckStatus.FAILED]
    assert len(broken) == local_checks.MAX_SHOWN_ERRORS + 1
    assert "more errors" in broken[-1].message
    assert checks[-1].status is CheckStatus.SKIPPED


def test_hooks(tmp_path):
    """None, named but not installed, installed."""
    assert states(local_checks.check_hooks(tmp_path)) == [(CheckStatus.WARNING, "KT085")]
    (tmp_path / ".pre-commit-config.yaml").write_text("keyturn\n")
    assert states(local_checks.check_hooks(tmp_path)) == [(CheckStatus.SKIPPED, "")]
    (tmp_path / ".git/hooks").mkdir(parents=True)
    assert states(local_checks.check_hooks(tmp_path)) == [(CheckStatus.WARNING, "KT085")]
    (tmp_path / ".git/hooks/pre-commit").touch(0o755)
    assert states(local_checks.check_hooks(tmp_path)) == [(CheckStatus.PASSED, "")]
