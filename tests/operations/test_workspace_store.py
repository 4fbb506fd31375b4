"""Opening the state store of a workspace."""

import pytest
from msgspec.structs import replace

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.workspace_store import open_workspace_store
from keyturn.project.project import open_project


def test_no_remote_state_for_an_untrusted_ci_event(setup):
    """The author of a pull request can change its address; a state in a folder needs no credentials."""
    environment = setup.repo.environment() | {"GITHUB_EVENT_NAME": "issue_comment"}
    project = open_project(setup.repo.root)
    workspace = project.find_workspace()
    assert open_workspace_store(project, workspace, environment)
    with pytest.raises(DiagnosticError) as caught:
        open_workspace_store(project, replace(workspace, state_url="s3://bucket/prefix"), environment)
    assert caught.value.diagnostics[0].code == "KT031"
