"""keyturn.yaml: the workspaces of a repository and what its policy asks, from the tree or from git."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Faulty
from keyturn.core.service_url import ServiceUrlError, parse_service_url
from keyturn.load.files import load_file
from keyturn.load.findings import fault
from keyturn.load.nodes import Document, read
from keyturn.load.revision import Revision
from keyturn.load.settings_file import Section
from keyturn.load.urls import ledger_refusal
from keyturn.policy.settings import Settings, settings_from

FILE: Final = "keyturn.yaml"
"""The name of the project file."""

FINGERPRINT_KEY: Final = ".keyturn/fingerprint.yaml"
"""Where the repository's fingerprint key lies, SOPS-encrypted, unless the project file says otherwise."""

Decryptor = Literal["auto", "sops"]
Put = Literal["full", "partial"]


class KeySource(Struct, frozen=True):
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
    api_key: KeySource
    manifests: tuple[str, ...]
    ledger: str
    pace: float = 0.0
    put: Put = "full"


class Project(Struct, frozen=True, kw_only=True):
    """A repository: its workspaces by name, its policy, how it decrypts.

    ``fingerprint_key`` is a path relative to ``root``. ``digest`` is the SHA-256 of the project
    file, ``revision`` the commit that it was read from, empty for the tree.
    """

    root: Path
    workspaces: Mapping[str, Workspace]
    policy: Settings
    decryptor: Decryptor = "auto"
    fingerprint_key: str = FINGERPRINT_KEY
    digest: str = ""
    revision: str = ""

    def workspace(self, name: str = "") -> Workspace:
        """Return the workspace ``name``, or the only one; raises Faulty (KT005)."""
        if not name and len(self.workspaces) == 1:
            return next(iter(self.workspaces.values()))
        if name in self.workspaces:
            return self.workspaces[name]
        known = ", ".join(self.workspaces)
        message = f"there is no workspace {name}" if name else "there is more than one workspace"
        raise Faulty(fault("KT005", Origin(FILE), message, f"name one with --workspace: {known}"))


def find_root(start: Path) -> Path:
    """Return the nearest folder from ``start`` upwards that holds keyturn.yaml.

    The search ends at the top of a git repository. Raises Faulty (KT001).
    """
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return folder
        if (folder / ".git").exists():
            break
    hint = "run `keyturn init` to make a project here, or name its folder with --chdir"
    raise Faulty(fault("KT001", Origin(FILE), f"no {FILE} in this folder or above it", hint))


def open_project(folder: Path) -> Project:
    """Return the project that ``folder`` belongs to: the nearest keyturn.yaml upwards; raises Faulty."""
    return read_project(find_root(folder))


def read_project(root: Path) -> Project:
    """Return the project of the tree; raises Faulty with everything that is wrong with keyturn.yaml."""
    if not (root / FILE).exists():
        hint = "run `keyturn init` to make a project here, or name its folder with --chdir"
        raise Faulty(fault("KT001", Origin(FILE), f"no {FILE} in this folder", hint))
    source = load_file(root, FILE)
    return project_from(source.data, root, digest=source.digest)


def read_project_at(root: Path, revision: str, environment: Mapping[str, str]) -> Project:
    """Return the project as ``revision`` of git holds it; the paths are those of the tree at ``root``."""
    commit = Revision(root, revision, environment)
    source = commit.read(FILE)
    return project_from(source.data, root, digest=source.digest, revision=commit.commit)


def project_from(data: bytes, root: Path, *, digest: str = "", revision: str = "") -> Project:
    """Return the project that the bytes of a keyturn.yaml describe; raises Faulty."""
    document = read(data, FILE, switches=True)
    section = Section(document)
    section.only("version", "workspaces", "policy", "decryptor", "fingerprint_key")
    _version(section)
    workspaces = _workspaces(section.section("workspaces"))
    policy = _policy(section, document)
    decryptor: Decryptor = (
        "sops" if section.choice("decryptor", ("auto", "sops"), "auto") == "sops" else "auto"
    )
    fingerprint_key = section.path("fingerprint_key", FINGERPRINT_KEY)
    section.finish()
    return Project(
        root=root,
        workspaces=workspaces,
        policy=policy,
        decryptor=decryptor,
        fingerprint_key=fingerprint_key,
        digest=digest,
        revision=revision,
    )


def _version(section: Section) -> None:
    version = section.tree.get("version")
    if version is None:
        section.fault("KT003", "", "keyturn.yaml does not say its version", "begin it with `version: 1`")
    elif version != 1 or isinstance(version, bool):
        section.fault(
            "KT003", "version", "this version of keyturn.yaml is not known here", "write 1, or update keyturn"
        )


def _policy(section: Section, document: Document) -> Settings:
    tree = section.section("policy").tree
    try:
        return settings_from(tree, lambda path: document.origin(("policy", *path)))
    except Faulty as error:
        section.faults.extend(error.findings)
        return Settings()


def _workspaces(section: Section) -> dict[str, Workspace]:
    if not section.tree:
        section.fault("KT003", "", "no workspace is described", "add one below `workspaces:`")
    found = {}
    for name in section.tree:
        if not section.named(name):
            continue
        found[name] = _workspace(name, section.section(name))
    _distinct(section, found)
    return found


def _workspace(name: str, section: Section) -> Workspace:
    section.only("base_url", "organization", "api_key", "manifests", "ledger", "pace", "put")
    return Workspace(
        name=name,
        base_url=section.checked("base_url", _service_refusal).rstrip("/"),
        organization=section.text("organization"),
        api_key=_key_source(section),
        manifests=section.paths("manifests"),
        ledger=section.checked("ledger", ledger_refusal, f"file:.keyturn/{name}"),
        pace=section.number("pace", 0.0),
        put="partial" if section.choice("put", ("full", "partial"), "full") == "partial" else "full",
    )


def _service_refusal(text: str) -> str:
    try:
        parse_service_url(text)
    except ServiceUrlError as error:
        return str(error)
    return ""


def _key_source(section: Section) -> KeySource:
    value = section.tree.get("api_key")
    if not isinstance(value, dict) or len(value) != 1:
        message = "api_key says where the key is: {env: NAME} or {file: PATH}"
        section.fault(
            "KT006",
            "api_key",
            message,
            "name the place it is read from, and revoke a key that stood in keyturn.yaml",
        )
        return KeySource("env", "")
    inner = section.section("api_key")
    inner.only("env", "file")
    if "file" in inner.tree:
        return KeySource("file", inner.text("file"))
    name = inner.text("env")
    if name and not name.isidentifier():
        inner.fault(
            "KT006",
            "env",
            "this is no name of an environment variable",
            "write a name such as PLANASONIX_API_KEY",
        )
    return KeySource("env", name)


def _distinct(section: Section, workspaces: Mapping[str, Workspace]) -> None:
    seen: dict[str, str] = {}
    for name, workspace in workspaces.items():
        first = seen.setdefault(workspace.ledger.rstrip("/"), name)
        if first != name:
            message = f"the workspaces {first} and {name} share one ledger"
            section.section(name).fault("KT003", "ledger", message, "give each workspace its own")
