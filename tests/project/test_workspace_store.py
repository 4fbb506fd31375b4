"""Opening the state store of a workspace."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.project.project import parse_project
from keyturn.project.workspace_store import open_workspace_store

UNTRUSTED = {"GITHUB_EVENT_NAME": "issue_comment"}


def project_with_state(tmp_path, url):
    """Return a project whose workspace has its state at a URL."""
    text = (
        "version: 1\nworkspaces:\n  prod:\n    base_url: https://a.example\n    organization: org_x\n"
        f"    api_key: {{env: KEY}}\n    manifests: [manifests]\n    state: {url}\n"
    )
    return parse_project(text.encode(), tmp_path)


def test_no_remote_state_for_an_untrusted_ci_event(tmp_path):
    """The author of a pull request can change its address."""
    project = project_with_state(tmp_path, "s3://bucket/prefix")
    with pytest.raises(DiagnosticError) as caught:
        open_workspace_store(project, project.find_workspace(), UNTRUSTED)
    assert caught.value.diagnostics[0].code == "KT031"


def test_a_state_in_a_folder_needs_no_credentials(tmp_path):
    """Any event may read it."""
    project = project_with_state(tmp_path, "file:.keyturn/prod")
    assert open_workspace_store(project, project.find_workspace(), UNTRUSTED).read("state.json") is None
