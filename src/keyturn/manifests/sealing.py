"""Opens the sealers of a project: files of a workspace with a key are sealed by a signature."""

from collections.abc import Mapping

from keyturn.manifests.seal import Sealer
from keyturn.project.keys import open_decryptor
from keyturn.project.project import Project, Workspace, find_file_workspace
from keyturn.project.workspace_key import load_workspace_key, read_root_key, verify_workspace
from keyturn.trust.signing import SigningKey


class SealerCache:
    """The sealers of a project by file; the key of a workspace is decrypted once, when it is needed."""

    def __init__(self, project: Project, environment: Mapping[str, str]) -> None:
        self._project, self._environment = project, environment
        self._sealers: dict[str, Sealer] = {}

    def find_sealer(self, file: str) -> Sealer:
        """Return the sealer of a file, one without a key if its workspace has none.

        Raises DiagnosticError as ``verify_workspace`` and ``read_root_key`` do.
        """
        workspace = find_file_workspace(self._project, file)
        if workspace is None:
            return Sealer()
        if workspace.name not in self._sealers:
            self._sealers[workspace.name] = self._open_sealer(workspace)
        return self._sealers[workspace.name]

    def add_sealer(self, sealer: Sealer) -> None:
        """Add the sealer of a workspace whose key was just created."""
        self._sealers[sealer.workspace] = sealer

    def _open_sealer(self, workspace: Workspace) -> Sealer:
        project, environment = self._project, self._environment
        if project.revision:
            is_keyed = load_workspace_key(project, workspace, environment) is not None
        else:
            is_keyed = verify_workspace(project, workspace, environment) is not None
        if not is_keyed:
            return Sealer()
        decrypt = open_decryptor(project, environment)
        root_key = read_root_key(project, workspace, decrypt, environment)
        return Sealer(workspace.name, SigningKey(root_key))
