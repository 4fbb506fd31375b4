"""The whole check-up: each part as far as the ones before it allow."""

import pytest

from keyturn.model.results import CheckStatus
from keyturn.operations.doctor.service_checks import run_doctor


def examined(office, folder=None, workspace="", **environment):
    """Return the checks of an office."""
    surroundings = {**office.repo.environment(), **environment}
    return run_doctor(folder or office.repo.root, workspace, surroundings, ask=True)


def topics(checks, state):
    """Return the topics in a state."""
    return {each.topic for each in checks if each.status is state}


def test_without_a_project_the_machine_is_looked_at(office, tmp_path):
    """And nothing that needs one."""
    checks = examined(office, tmp_path)
    assert topics(checks, CheckStatus.FAILED) == {"project"}
    assert {"sops", "keys"} <= topics(checks, CheckStatus.PASSED)
    assert "state" not in {each.topic for each in checks}


def test_a_workspace_that_is_none(office):
    """Said; the rest was looked at before."""
    checks = examined(office, workspace="nothing")
    assert checks[-1].code == "KT005"


@pytest.mark.parametrize("trust", ["", "1"])
def test_a_stranger(office, trust):
    """No key is used, unless somebody vouches for the event."""
    checks = examined(office, GITHUB_EVENT_NAME="pull_request_target", KEYTURN_TRUST_EVENT=trust)
    assert ("api" in topics(checks, CheckStatus.PASSED)) is bool(trust)
    assert ("api" in topics(checks, CheckStatus.SKIPPED)) is not bool(trust)


def test_a_key_in_a_file(office):
    """Readable by its owner alone, or doubted."""
    file = office.repo.root / "key"
    file.write_text(office.repo.key)
    office.repo.project(api_key={"file": "key"})
    file.chmod(0o600)
    assert "api key" in topics(examined(office), CheckStatus.PASSED)
    file.chmod(0o644)
    assert "api key" in topics(examined(office), CheckStatus.WARNING)
