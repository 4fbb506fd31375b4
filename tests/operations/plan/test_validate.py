"""Validation of manifests without a key."""

from datetime import date

import pytest

from keyturn.manifests.loader import load_manifests
from keyturn.model.diagnostic import Severity
from keyturn.operations.plan.validate import (
    SecretAges,
    ValidationResult,
    rotation_dates_from_state,
    run_policy,
    run_static_policy,
    validate_project,
)
from keyturn.project.project import read_project
from sample_resources import credential_address, make_inputs, make_state_entry

TODAY = date(2026, 3, 1)


@pytest.fixture
def project(setup, canary):
    """Return a project with a credential and a connection."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    return read_project(setup.repo.root)


def test_all_files_are_validated(project):
    """Those of every workspace, without duplicates."""
    result = validate_project(project, project.workspaces.values(), (), TODAY, {})
    assert [file.rpartition("/")[2] for file in result.files] == ["prod-pg.yaml", "prod-db.yaml"]
    assert result.worst_severity is None or result.worst_severity > Severity.ERROR


def test_only_named_files_are_validated(project):
    """The number of checked files counts no other file."""
    file = "manifests/prod/connections/prod-pg.yaml"
    result = validate_project(project, project.workspaces.values(), (file,), TODAY, {})
    assert result.files == (file,)


@pytest.mark.parametrize("folder", ["manifests", "manifests/prod", "manifests/prod/connections"])
def test_a_named_folder_is_validated(project, folder):
    """The search includes folders below it, also if the folder contains several workspaces."""
    path = project.root / "manifests/prod/connections/prod-pg.yaml"
    path.write_text(path.read_text().replace("config:", "confg:"))
    result = validate_project(project, project.workspaces.values(), (folder,), TODAY, {})
    assert result.worst_severity is Severity.ERROR
    assert str(path.relative_to(project.root)) in result.files


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("manifests/prod/connections/typo.yaml", "KT123"),
        ("manifests/prod/none", "KT123"),
        ("manifests/prod/notes.txt", "KT125"),
        ("elsewhere", "KT044"),
        ("elsewhere/x.yaml", "KT044"),
    ],
)
def test_a_named_path_without_manifests_is_an_error(project, path, code):
    """It does not count as checked."""
    for folder in ("manifests/prod/none", "elsewhere"):
        (project.root / folder).mkdir()
    (project.root / "elsewhere/x.yaml").write_text("a: b\n")
    (project.root / "manifests/prod/notes.txt").write_text("notes\n")
    result = validate_project(project, project.workspaces.values(), (path,), TODAY, {})
    assert [(each.code, each.origin.file) for each in result.diagnostics] == [(code, path)]
    assert (result.worst_severity, result.files) == (Severity.ERROR, ())


def test_a_misspelt_connector_is_found(setup):
    """An unknown connector with a different name is not."""
    setup.repo.connection("prod-pg", "prod-db", type="postgers")
    setup.repo.connection("prod-zd", "prod-db", type="zendesk")
    project = read_project(setup.repo.root)
    found = validate_project(project, project.workspaces.values(), (), TODAY, {}).diagnostics
    assert [each.origin.file for each in found if each.code == "KT316"] == [
        "manifests/prod/connections/prod-pg.yaml"
    ]


def test_the_worst_severity_of_no_diagnostics():
    """None."""
    assert ValidationResult((), ()).worst_severity is None


def test_an_overdue_rotation_in_the_state_is_found(setup, canary):
    """A recent one has no diagnostic."""
    setup.repo.project(policy={"rotation": {"max_age": "90d"}})
    setup.repo.credential("prod-db", {"password": canary()})
    project = read_project(setup.repo.root)
    loaded = load_manifests(project, project.find_workspace(""))
    desired = loaded.desired[0]
    codes = {}
    for day in ("2025-01-01", "2026-02-28"):
        known = make_state_entry(desired, "id1", rotated_at=f"{day}T00:00:00Z")
        inputs = make_inputs(desired, known)
        aged = SecretAges(today=TODAY, rotated=rotation_dates_from_state(inputs))
        found = run_policy(project, run_static_policy(project, loaded, TODAY), inputs, aged, b"chance" * 6)
        codes[day] = {each.code for each in found}
    assert codes["2025-01-01"] - codes["2026-02-28"]
    assert credential_address("prod-db") == desired.address
