"""Opens the state store of a workspace."""

from collections.abc import Mapping

from keyturn.project.ci_events import reject_untrusted_event
from keyturn.project.project import Project, Workspace
from keyturn.state.stores import open_store
from keyturn.state.stores.base import StateStore


def open_workspace_store(
    project: Project, workspace: Workspace, environment: Mapping[str, str]
) -> StateStore:
    """Return the store of a workspace's state.

    Raises DiagnosticError as ``open_store``, and KT031 for an object store if the CI event is untrusted:
    the address could belong to the author of the pull request.
    """
    if not workspace.state_url.startswith("file:"):
        reject_untrusted_event(environment)
    return open_store(workspace.state_url, project.root, environment)
