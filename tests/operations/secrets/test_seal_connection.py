"""Seals of connections as use cases: in a workspace without a key, and next to a new credential."""

import pytest

from keyturn.files.discovery import load_file
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.secrets.seal_connection import ConnectionSealer, seal_first_users
from keyturn.project.project import read_project


def test_a_workspace_without_a_key_seals_nothing(setup, canary):
    """A seal that nobody can verify would say nothing."""
    setup.repo.credential("prod-db", {"password": canary()})
    path = setup.repo.connection("prod-pg", "prod-db")
    before = path.read_bytes()
    project, environment = read_project(setup.repo.root), setup.repo.environment()
    file = "manifests/prod/credentials/prod-db.yaml"
    assert seal_first_users(project, file, environment) == ()
    assert seal_first_users(project, "elsewhere/x.yaml", environment) == ()
    source = load_file(project.root, "manifests/prod/connections/prod-pg.yaml")
    with pytest.raises(DiagnosticError) as caught:
        ConnectionSealer(project, environment).review_seal(source)
    assert [each.code for each in caught.value.diagnostics] == ["KT262"]
    assert path.read_bytes() == before
