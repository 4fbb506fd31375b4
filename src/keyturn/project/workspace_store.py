"""Opens the state store of a workspace."""

from collections.abc import Mapping

from keyturn.project.ci_events import reject_untrusted_event
from keyturn.project.keys import open_decryptor
from keyturn.project.project import Project, Workspace
from keyturn.project.workspace_key import WorkspaceKey, read_root_key
from keyturn.state.stores import open_store
from keyturn.state.stores.base import StateStore
from keyturn.state.stores.signed import SignedStore
from keyturn.trust.signing import SigningKey


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


def open_signed_store(
    project: Project,
    workspace: Workspace,
    key: WorkspaceKey | None,
    environment: Mapping[str, str],
    *,
    accepts_unsigned: bool = False,
) -> StateStore:
    """Return the store of a workspace's state, which verifies and signs with the key of the workspace.

    Without a key, the state is not signed. The first write decrypts the root key. ``accepts_unsigned``
    turns verification off. Raises DiagnosticError as ``open_workspace_store``.
    """
    store = open_workspace_store(project, workspace, environment)
    if key is None:
        return store
    return SignedStore(
        store,
        workspace.name,
        key.public_key,
        lambda: SigningKey(
            read_root_key(project, workspace, open_decryptor(project, environment), environment)
        ),
        accepts_unsigned=accepts_unsigned,
    )
