"""The project and the manifests in git's index: what the next commit contains."""

from collections.abc import Collection, Mapping
from pathlib import Path as File

from msgspec.structs import replace

from keyturn.git.index import read_staged_files
from keyturn.manifests.loader import LoadedManifests, load_sources
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.project.project import PROJECT_FILE, Project, Workspace, parse_project


def read_staged_project(root: File, environment: Mapping[str, str]) -> Project:
    """Return the project of the staged keyturn.yaml.

    Raises DiagnosticError: KT001 if it is not staged, KT007 outside of a repository, and its errors.
    """
    files = read_staged_files(root, (PROJECT_FILE,), environment)
    if files.diagnostics:
        raise DiagnosticError(*files.diagnostics)
    if not files.sources:
        hint = f"run `git add {PROJECT_FILE}`"
        message = f"{PROJECT_FILE} is not in git's index"
        raise DiagnosticError(error_diagnostic("KT001", SourceLocation(PROJECT_FILE), message, hint))
    (source,) = files.sources
    return parse_project(source.data, root, digest=source.digest)


class StagedManifests:
    """Loads staged manifests; ``texts`` has the text of each loaded file by path."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def load_manifests(
        self, project: Project, workspace: Workspace, _: Collection[str], environment: Mapping[str, str]
    ) -> LoadedManifests:
        """Load the staged manifests of a workspace. Raises DiagnosticError (KT007) without a repository."""
        files = read_staged_files(project.root, workspace.manifests, environment)
        self.texts |= {each.relative: each.data.decode("utf-8", "replace") for each in files.sources}
        loaded = load_sources(project.policy, workspace.name, files.sources, keep_text=True)
        diagnostics = sorted((*loaded.diagnostics, *files.diagnostics), key=lambda each: each.sort_key)
        return replace(loaded, diagnostics=tuple(diagnostics))
