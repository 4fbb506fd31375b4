"""All doctor checks of a project."""

import pytest

from keyturn.model.results import CheckStatus
from keyturn.operations.doctor.service_checks import run_doctor


def check(setup, folder=None, workspace="", **environment):
    """Return the checks of a repository."""
    environment = {**setup.repo.environment(), **environment}
    return run_doctor(folder or setup.repo.root, workspace, environment, ask=True)


def topics(checks, status):
    """Return the topics of the checks with a status."""
    return {each.topic for each in checks if each.status is status}


def test_without_a_project_only_tools_and_keys_are_checked(setup, tmp_path):
    """Checks that need a project are left out."""
    checks = check(setup, tmp_path)
    assert topics(checks, CheckStatus.FAILED) == {"project"}
    assert {"sops", "keys"} <= topics(checks, CheckStatus.PASSED)
    assert "state" not in {each.topic for each in checks}


def test_an_unknown_workspace_is_a_failure(setup):
    """After the checks that need no workspace."""
    checks = check(setup, workspace="nothing")
    assert checks[-1].code == "KT005"


@pytest.mark.parametrize("trust", ["", "1"])
def test_an_untrusted_event_uses_no_key(setup, trust):
    """Unless KEYTURN_TRUST_EVENT is 1."""
    checks = check(setup, GITHUB_EVENT_NAME="pull_request_target", KEYTURN_TRUST_EVENT=trust)
    assert ("api" in topics(checks, CheckStatus.PASSED)) is bool(trust)
    assert ("api" in topics(checks, CheckStatus.SKIPPED)) is not bool(trust)


def test_an_api_key_in_a_file(setup):
    """A file that others may read is a warning."""
    file = setup.repo.root / "key"
    file.write_text(setup.repo.key)
    setup.repo.project(api_key={"file": "key"})
    file.chmod(0o600)
    assert "api key" in topics(check(setup), CheckStatus.PASSED)
    file.chmod(0o644)
    assert "api key" in topics(check(setup), CheckStatus.WARNING)
