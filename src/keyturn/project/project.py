"""keyturn.yaml: the workspaces of a repository and what its policy asks, from the tree or from git."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from keyturn.files.discovery import load_file
from keyturn.git.revision import Revision
from keyturn.model.address import SourceLocation
from keyturn.model.config_reader import ConfigSection
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.model.service_url import ServiceUrlError, find_state_url_problem, parse_service_url
from keyturn.policy.settings import PolicySettings, parse_policy_settings
from keyturn.yamldoc.reader import Document, parse_document

PROJECT_FILE: Final = "keyturn.yaml"
"""The name of the project file."""

FINGERPRINT_KEY_FILE: Final = ".keyturn/fingerprint.yaml"
"""Where the repository's fingerprint key lies, SOPS-encrypted, unless the project file says otherwise."""

DecryptionMode = Literal["auto", "sops"]
UpdateMode = Literal["full", "partial"]


class ApiKeySource(Struct, frozen=True):
    """Where the API key comes from: ``name`` of an environment variable or a file; never the key."""

    kind: Literal["env", "file"]
    name: str


class Workspace(Struct, frozen=True, kw_only=True):
    """One organization of the service and the folders that describe it.

    ``pace`` is the most requests per second, 0 for as many as the service takes. ``put`` says
    whether an update of a credential sends all of it (``full``) or what changed (``partial``).
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
    """A repository: its workspaces by name, its policy, how it decrypts.

    ``fingerprint_key`` is a path relative to ``root``. ``digest`` is the SHA-256 of the project
    file, ``revision`` the commit that it was read from, empty for the tree.
    """

    root: Path
    workspaces: Mapping[str, Workspace]
    policy: PolicySettings
    decryptor: DecryptionMode = "auto"
    fingerprint_key: str = FINGERPRINT_KEY_FILE
    digest: str = ""
    revision: str = ""

    def find_workspace(self, name: str = "") -> Workspace:
        """Return the workspace ``name``, or the only one; raises Faulty (KT005)."""
        if not name and len(self.workspaces) == 1:
            return next(iter(self.workspaces.values()))
        if name in self.workspaces:
            return self.workspaces[name]
        known = ", ".join(self.workspaces)
        message = f"there is no workspace {name}" if name else "there is more than one workspace"
        raise DiagnosticError(
            error_diagnostic(
                "KT005", SourceLocation(PROJECT_FILE), message, f"name one with --workspace: {known}"
            )
        )


def find_project_root(start: Path) -> Path:
    """Return the nearest folder from ``start`` upwards that holds keyturn.yaml.

    The search ends at the top of a git repository. Raises Faulty (KT001).
    """
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
        if (folder / ".git").exists():
            break
    hint = "run `keyturn init` to make a project here, or name its folder with --chdir"
    raise DiagnosticError(
        error_diagnostic(
            "KT001", SourceLocation(PROJECT_FILE), f"no {PROJECT_FILE} in this folder or above it", hint
        )
    )


def open_project(folder: Path) -> Project:
    """Return the project that ``folder`` belongs to: the nearest keyturn.yaml upwards; raises Faulty."""
    return read_project(find_project_root(folder))


def read_project(root: Path) -> Project:
    """Return the project of the tree; raises Faulty with everything that is wrong with keyturn.yaml."""
    if not (root / PROJECT_FILE).exists():
        hint = "run `keyturn init` to make a project here, or name its folder with --chdir"
        raise DiagnosticError(
            error_diagnostic("KT001", SourceLocation(PROJECT_FILE), f"no {PROJECT_FILE} in this folder", hint)
        )
    source = load_file(root, PROJECT_FILE)
    return parse_project(source.data, root, digest=source.digest)


def read_project_at(root: Path, revision: str, environment: Mapping[str, str]) -> Project:
    """Return the project as ``revision`` of git holds it; the paths are those of the tree at ``root``."""
    commit = Revision(root, revision, environment)
    source = commit.read_file(PROJECT_FILE)
    return parse_project(source.data, root, digest=source.digest, revision=commit.commit)


def parse_project(data: bytes, root: Path, *, digest: str = "", revision: str = "") -> Project:
    """Return the project that the bytes of a keyturn.yaml describe; raises Faulty."""
    document = parse_document(data, PROJECT_FILE, switches=True)
    section = ConfigSection(document)
    section.reject_unknown_keys("version", "workspaces", "policy", "decryptor", "fingerprint_key")
    _check_version(section)
    workspaces = _read_workspaces(section.read_section("workspaces"))
    policy = _read_policy(section, document)
    decryptor: DecryptionMode = (
        "sops" if section.read_choice("decryptor", ("auto", "sops"), "auto") == "sops" else "auto"
    )
    fingerprint_key = section.read_path("fingerprint_key", FINGERPRINT_KEY_FILE)
    section.raise_errors()
    return Project(
        root=root,
        workspaces=workspaces,
        policy=policy,
        decryptor=decryptor,
        fingerprint_key=fingerprint_key,
        digest=digest,
        revision=revision,
    )


def _check_version(section: ConfigSection) -> None:
    version = section.tree.get("version")
    if version is None:
        section.add_error("KT003", "", "keyturn.yaml does not say its version", "begin it with `version: 1`")
    elif version != 1 or isinstance(version, bool):
        section.add_error(
            "KT003", "version", "this version of keyturn.yaml is not known here", "write 1, or update keyturn"
        )


def _read_policy(section: ConfigSection, document: Document) -> PolicySettings:
    tree = section.read_section("policy").tree
    try:
        return parse_policy_settings(tree, lambda path: document.find_location(("policy", *path)))
    except DiagnosticError as error:
        section.errors.extend(error.diagnostics)
        return PolicySettings()


def _read_workspaces(section: ConfigSection) -> dict[str, Workspace]:
    if not section.tree:
        section.add_error("KT003", "", "no workspace is described", "add one below `workspaces:`")
    found = {}
    for name in section.tree:
        if not section.check_workspace_name(name):
            continue
        found[name] = _read_workspace(name, section.read_section(name))
    _check_distinct_states(section, found)
    return found


def _read_workspace(name: str, section: ConfigSection) -> Workspace:
    section.reject_unknown_keys(
        "base_url",
        "organization",
        "api_key",
        "manifests",
        "state",
        "pace",
        "put",
        renamed={"ledger": "state"},
    )
    return Workspace(
        name=name,
        base_url=section.read_checked_text("base_url", _service_refusal).rstrip("/"),
        organization=section.read_text("organization"),
        api_key=_read_key_source(section),
        manifests=section.read_paths("manifests"),
        state_url=section.read_checked_text("state", find_state_url_problem, f"file:.keyturn/{name}"),
        pace=section.read_number("pace", 0.0),
        put="partial" if section.read_choice("put", ("full", "partial"), "full") == "partial" else "full",
    )


def _service_refusal(text: str) -> str:
    try:
        parse_service_url(text)
    except ServiceUrlError as error:
        return str(error)
    return ""


def _read_key_source(section: ConfigSection) -> ApiKeySource:
    value = section.tree.get("api_key")
    if not isinstance(value, dict) or len(value) != 1:
        message = "api_key says where the key is: {env: NAME} or {file: PATH}"
        section.add_error(
            "KT006",
            "api_key",
            message,
            "name the place it is read from, and revoke a key that stood in keyturn.yaml",
        )
        return ApiKeySource("env", "")
    inner = section.read_section("api_key")
    inner.reject_unknown_keys("env", "file")
    if "file" in inner.tree:
        return ApiKeySource("file", inner.read_text("file"))
    name = inner.read_text("env")
    if name and not name.isidentifier():
        inner.add_error(
            "KT006",
            "env",
            "this is no name of an environment variable",
            "write a name such as PLANASONIX_API_KEY",
        )
    return ApiKeySource("env", name)


def _check_distinct_states(section: ConfigSection, workspaces: Mapping[str, Workspace]) -> None:
    seen: dict[str, str] = {}
    for name, workspace in workspaces.items():
        first = seen.setdefault(workspace.state_url.rstrip("/"), name)
        if first != name:
            message = f"the workspaces {first} and {name} share one state"
            section.read_section(name).add_error("KT003", "state", message, "give each workspace its own")
