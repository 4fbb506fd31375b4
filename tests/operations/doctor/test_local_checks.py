"""The doctor checks that need no service."""

import pytest

from keyturn.model.results import CheckStatus
from keyturn.operations.doctor import local_checks
from keyturn.project.project import read_project


@pytest.fixture
def repository(setup, canary):
    """Return a repository with a credential."""
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


def results(checks):
    """Return status and code of each check."""
    return [(each.status, each.code) for each in checks]


def test_a_missing_sops_is_one_failure(tmp_path, monkeypatch):
    """KT010, and no version."""
    monkeypatch.setattr("keyturn.sops.binary._find_bundled_sops", lambda: None)
    assert results(local_checks.check_sops({"PATH": str(tmp_path)})) == [(CheckStatus.FAILED, "KT010")]


@pytest.mark.parametrize("name", local_checks.IGNORED_VARIABLES)
def test_each_ignored_variable_is_a_note(name):
    """An empty variable counts as not set."""
    (check,) = local_checks.check_environment({name: "x"})
    assert (check.status, check.code) == (CheckStatus.NOTE, "KT084")
    assert name in check.message
    assert list(local_checks.check_environment({name: ""})) == []


def test_keys_without_a_project(repository):
    """The recipients are shown."""
    (check,) = local_checks.check_decryption_keys({"SOPS_AGE_KEY_FILE": str(repository.repo.age.file)}, None)
    assert repository.repo.age.recipient in check.message


def test_many_errors_are_counted(repository):
    """The first errors are shown, the others are counted."""
    for number in range(8):
        path = repository.repo.root / f"manifests/prod/connections/prod-{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kind: nothing\n")
    project = read_project(repository.repo.root)
    checks = list(
        local_checks.check_manifests(
            repository.repo.environment(), project, project.find_workspace(), decrypt=False
        )
    )
    failed = [each for each in checks if each.status is CheckStatus.FAILED]
    assert len(failed) == local_checks.MAX_SHOWN_ERRORS + 1
    assert "more errors" in failed[-1].message
    assert checks[-1].status is CheckStatus.SKIPPED


def test_hooks(tmp_path):
    """No hook, a configured hook outside of a clone, a hook that is not installed, an installed hook."""
    assert results(local_checks.check_hooks(tmp_path)) == [(CheckStatus.WARNING, "KT085")]
    (tmp_path / ".pre-commit-config.yaml").write_text("keyturn\n")
    assert results(local_checks.check_hooks(tmp_path)) == [(CheckStatus.SKIPPED, "")]
    (tmp_path / ".git/hooks").mkdir(parents=True)
    assert results(local_checks.check_hooks(tmp_path)) == [(CheckStatus.WARNING, "KT085")]
    (tmp_path / ".git/hooks/pre-commit").touch(0o755)
    assert results(local_checks.check_hooks(tmp_path)) == [(CheckStatus.PASSED, "")]
