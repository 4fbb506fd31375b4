"""Setting a secret of a credential manifest, and its seal."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.operations.secrets.set_secret import (
    _reject_unknown_field,
    find_credential_file,
    reseal_credential,
    set_secret,
)
from keyturn.project.project import read_project

FILE = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def project(setup, canary):
    """Return a project with a credential, and a connection of another name."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    return read_project(setup.repo.root)


@pytest.mark.parametrize("name", ["prod-db", FILE])
def test_a_manifest_is_found_by_name_or_path(project, name):
    """Both find the same file."""
    assert find_credential_file(project, name).relative == FILE


@pytest.mark.parametrize("name", ["prod-pg", "prod", "prod-db.yaml", ""])
def test_another_name_is_no_credential(project, name):
    """A connection has no secrets."""
    with pytest.raises(DiagnosticError) as caught:
        find_credential_file(project, name)
    assert caught.value.diagnostics[0].code == "KT041"


def test_setting_a_secret_keeps_the_file_valid(setup, project, canary):
    """The plan has a rotation and a valid seal."""
    environment = setup.repo.environment()
    assert setup.run("apply", "--yes").code == 0
    assert set_secret(project, "prod-db", "password", Secret(canary()), environment).file == FILE
    assert "1 to rotate" in setup.run("plan").stdout


def test_resealing_keeps_the_file_valid(setup, project):
    """An apply accepts the new seal."""
    assert reseal_credential(project, "prod-db", setup.repo.environment()).file == FILE
    assert setup.run("apply", "--yes").code == 0


def test_an_untrusted_ci_event_sets_no_secret(setup, project, canary):
    """The file stays as it is."""
    environment = setup.repo.environment() | {"GITHUB_EVENT_NAME": "pull_request_target"}
    before = (setup.repo.root / FILE).read_bytes()
    with pytest.raises(DiagnosticError) as caught:
        set_secret(project, "prod-db", "password", Secret(canary()), environment)
    assert caught.value.diagnostics[0].code == "KT031"
    assert (setup.repo.root / FILE).read_bytes() == before


def test_an_unknown_field_is_refused():
    """The hint suggests the nearest field."""
    with pytest.raises(DiagnosticError) as caught:
        _reject_unknown_field("pasword", "database", "x.yaml")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.hint) == ("KT043", "did you mean password?")
    for field, type_ in [("password", "database"), ("headers.X-Key", "api_key"), ("key_left", "api_key")]:
        _reject_unknown_field(field, type_, "x.yaml")
