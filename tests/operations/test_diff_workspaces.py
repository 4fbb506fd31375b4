"""The comparison of two workspaces."""

import copy
import os

import pytest
import yaml

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.diff_workspaces import compare_workspaces
from keyturn.project.project import read_project


@pytest.fixture
def project(setup, canary):
    """Return a project of two workspaces whose credentials share one of two passwords."""
    shared = canary()
    for name in ("staging", "prod"):
        setup.repo.credential(f"{name}-db", {"password": shared})
        setup.repo.credential(
            f"{name}-my", {"password": canary()}, {"engine": "mysql", "host": "h", "port": 1, "username": "u"}
        )
    root = setup.repo.root
    (root / "manifests/staging").mkdir()
    for path in list((root / "manifests/prod/credentials").glob("staging-*")):
        path.rename(root / "manifests/staging" / path.name)
    tree = yaml.safe_load((root / "keyturn.yaml").read_text())
    other = copy.deepcopy(tree["workspaces"]["prod"])
    tree["workspaces"]["staging"] = {**other, "manifests": ["manifests/staging"]}
    (root / "keyturn.yaml").write_text(yaml.safe_dump(tree))
    return read_project(root)


def compared(project, environment):
    """Compare staging with prod."""
    sides = project.find_workspace("staging"), project.find_workspace("prod")
    return compare_workspaces(project, sides, environment, os.urandom(32))


def test_a_shared_secret_is_found(project, setup):
    """A different secret is not reported."""
    found = compared(project, setup.repo.environment())
    assert found.secrets_compared
    assert {each.base_name: each.shared_secrets for each in found.resources} == {
        "db": (("password",),),
        "my": (),
    }


def test_without_keys_only_plain_fields_are_compared(project):
    """No secret is reported as shared."""
    found = compared(project, {"PATH": os.environ["PATH"]})
    assert not found.secrets_compared
    assert [each.shared_secrets for each in found.resources] == [(), ()]


def test_an_invalid_manifest_is_an_error(project, setup):
    """Incomplete workspaces are not compared."""
    (setup.repo.root / "manifests/staging/staging-db.yaml").write_text("kind: nothing\n")
    with pytest.raises(DiagnosticError):
        compared(project, setup.repo.environment())
