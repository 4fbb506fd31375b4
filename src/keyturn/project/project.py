"""The project file keyturn.yaml: workspaces, policy and decryption, from the working tree or a commit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from keyturn.files.discovery import is_within, load_file
from keyturn.git.revision import Revision
from keyturn.model.address import SourceLocation
from keyturn.model.config_reader import ConfigSection
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.model.service_url import ServiceUrlError, find_state_url_problem, parse_service_url
from keyturn.policy.settings import PolicySettings, read_policy_settings
from keyturn.schema.validate import validate_project_file
from keyturn.yamldoc.reader import parse_document

PROJECT_FILE: Final = "keyturn.yaml"
"""The name of the project file."""

FINGERPRINT_KEY_FILE: Final = ".keyturn/fingerprint.yaml"
"""The default path of the SOPS-encrypted fingerprint key of the repository."""

DecryptionMode = Literal["auto", "sops"]
UpdateMode = Literal["full", "partial"]

_INIT_HINT: Final = "run `keyturn init` to create a project here, or name its folder with --chdir"


class ApiKeySource(Struct, frozen=True):
    """The source of the API key: ``name`` is that of an environment variable or the path of a file."""

    kind: Literal["env", "file"]
    name: str


class Workspace(Struct, frozen=True, kw_only=True):
    """An organization of the service and the folders of its manifests.

    ``pace`` is the maximum of requests per second; 0 means no limit. ``put`` tells whether an update of
    a credential sends all fields (``full``) or the changed ones (``partial``).
    """

    name: str
    base_url: str
    organization: str
    api_key: ApiKeySource
    manifests: tuple[str, ...]
    state_url: str
    pace: float = 0.0
    put: UpdateMode = "full"


class Project(Struct, frozen=True, kw_only=True):
    """A repository: its workspaces by name, its policy and how it decrypts.

    ``fingerprint_key`` is a path relative to ``root``. ``digest`` is the SHA-256 of the project
    file. ``revision`` is the commit that the file was read from, empty for the working tree.
    """

    root: Path
    workspaces: Mapping[str, Workspace]
    policy: PolicySettings
    decryptor: DecryptionMode = "auto"
    fingerprint_key: str = FINGERPRINT_KEY_FILE
    digest: str = ""
    revision: str = ""

    def find_workspace(self, name: str = "") -> Workspace:
        """Return the workspace ``name``, or the only one; raises DiagnosticError (KT005)."""
        if not name and len(self.workspaces) == 1:
            return next(iter(self.workspaces.values()))
        if name in self.workspaces:
            return self.workspaces[name]
        known = ", ".join(self.workspaces)
        message = f"there is no workspace {name}" if name else "there is more than one workspace"
        raise _project_error("KT005", message, f"name one with --workspace: {known}")


def find_workspace_at(project: Project, folder: Path) -> str:
    """Return the name of the only workspace whose manifest folders contain ``folder``, or an empty text."""
    here = folder.resolve()
    names = [
        name
        for name, workspace in project.workspaces.items()
        if any(here.is_relative_to((project.root / each).resolve()) for each in workspace.manifests)
    ]
    return names[0] if len(names) == 1 else ""


def find_file_workspace(project: Project, file: str) -> Workspace | None:
    """Return the workspace with the longest manifest folder that contains ``file``; None without one."""
    covering = [
        (len(folder), workspace)
        for workspace in project.workspaces.values()
        for folder in workspace.manifests
        if is_within(file, folder)
    ]
    return max(covering, key=lambda each: each[0])[1] if covering else None


def find_project_root(start: Path) -> Path:
    """Return the nearest folder from ``start`` upwards that holds keyturn.yaml.

    The search ends at the top of a git repository. Raises DiagnosticError (KT001).
    """
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
        if (folder / ".git").exists():
            break
    raise _project_error("KT001", f"no {PROJECT_FILE} in this folder or above it", _INIT_HINT)


def open_project(folder: Path) -> Project:
    """Return the project of the nearest keyturn.yaml from ``folder`` upwards; raises DiagnosticError."""
    return read_project(find_project_root(folder))


def read_project(root: Path) -> Project:
    """Return the project of the working tree; raises DiagnosticError (KT001 and as parse_project)."""
    if not (root / PROJECT_FILE).exists():
        raise _project_error("KT001", f"no {PROJECT_FILE} in this folder", _INIT_HINT)
    source = load_file(root, PROJECT_FILE)
    return parse_project(source.data, root, digest=source.digest)


def read_project_at(root: Path, revision: str, environment: Mapping[str, str]) -> Project:
    """Return the project as of a git ``revision``; its paths are relative to the working tree at ``root``."""
    commit = Revision(root, revision, environment)
    source = commit.read_file(PROJECT_FILE)
    return parse_project(source.data, root, digest=source.digest, revision=commit.commit)


def parse_project(data: bytes, root: Path, *, digest: str = "", revision: str = "") -> Project:
    """Return the project that the bytes of a keyturn.yaml describe.

    Raises DiagnosticError with all errors of the file: KT101 to KT115 (YAML), KT002 to KT006 and KT305.
    """
    document = parse_document(data, PROJECT_FILE, yes_no_as_text=True)
    section = ConfigSection(
        tree=document.tree, locate=document.find_location, errors=[*validate_project_file(document)]
    )
    project = Project(
        root=root,
        workspaces=_read_workspaces(section.read_section("workspaces")),
        policy=read_policy_settings(section.read_section("policy")),
        decryptor="sops" if section.read_text("decryptor") == "sops" else "auto",
        fingerprint_key=section.read_path("fingerprint_key", FINGERPRINT_KEY_FILE),
        digest=digest,
        revision=revision,
    )
    section.raise_errors()
    return project


def _read_workspaces(section: ConfigSection) -> dict[str, Workspace]:
    workspaces = {name: _read_workspace(name, inner) for name, inner in section.read_sections()}
    _check_distinct_states(section, workspaces)
    return workspaces


def _read_workspace(name: str, section: ConfigSection) -> Workspace:
    return Workspace(
        name=name,
        base_url=section.read_checked_text("base_url", _find_base_url_problem).rstrip("/"),
        organization=section.read_text("organization"),
        api_key=_read_key_source(section.read_section("api_key")),
        manifests=section.read_paths("manifests"),
        state_url=section.read_checked_text("state", find_state_url_problem, f"file:.keyturn/{name}"),
        pace=section.read_number("pace", 0.0),
        put="partial" if section.read_text("put") == "partial" else "full",
    )


def _find_base_url_problem(text: str) -> str:
    try:
        parse_service_url(text)
    except ServiceUrlError as error:
        return str(error)
    return ""


def _read_key_source(section: ConfigSection) -> ApiKeySource:
    if "file" in section.tree:
        return ApiKeySource("file", section.read_text("file"))
    return ApiKeySource("env", section.read_text("env"))


def _check_distinct_states(section: ConfigSection, workspaces: Mapping[str, Workspace]) -> None:
    owners: dict[str, str] = {}
    for name, workspace in workspaces.items():
        owner = owners.setdefault(workspace.state_url.rstrip("/"), name)
        if owner != name:
            message = f"the workspaces {owner} and {name} have the same state location"
            section.read_section(name).add_error("KT003", "state", message, "give each workspace its own")


def _project_error(code: str, message: str, hint: str) -> DiagnosticError:
    return DiagnosticError(error_diagnostic(code, SourceLocation(PROJECT_FILE), message, hint))
