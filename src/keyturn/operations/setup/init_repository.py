"""Create the files of a new repository; existing files are kept."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.atomic_write import lock_for_writing
from keyturn.files.discovery import load_file
from keyturn.manifests.seal import Sealer, SealSubject
from keyturn.manifests.sealing import SealerCache
from keyturn.manifests.writer import ManifestWriter
from keyturn.model.address import Address, SourceLocation
from keyturn.model.fields import flatten_tree
from keyturn.model.secret import Secret
from keyturn.operations.setup import init_templates
from keyturn.operations.setup.init_templates import InitOptions
from keyturn.project.keys import open_decryptor
from keyturn.project.known_keys import add_known_key
from keyturn.project.project import Project, read_project
from keyturn.project.workspace_key import KEY_FILE_HEAD, SealAuthor, build_key_tree, workspace_key_path
from keyturn.schema.definitions import read_schema_text
from keyturn.sops.age_keys import find_age_keys
from keyturn.sops.binary import find_sops
from keyturn.trust.derivation import ROOT_KEY_BYTES
from keyturn.trust.signing import SigningKey

CI_FILES: Mapping[str, tuple[str, Callable[[InitOptions], str]]] = MappingProxyType(
    {
        "github": (".github/workflows/keyturn.yml", init_templates.render_github_workflow),
        "gitlab": (".gitlab-ci.yml", init_templates.render_gitlab_pipeline),
    }
)
"""The configuration file of each CI system, and the function that renders it."""


class InitResult(Struct, frozen=True, kw_only=True):
    """The created, the unchanged and the extended files, as paths below the root.

    ``advice`` lists manual steps for existing files. ``key_ids`` has the IDs of new keys by workspace.
    """

    created: tuple[str, ...]
    unchanged: tuple[str, ...]
    extended: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    key_ids: Mapping[str, str] = {}


def list_age_recipients(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the age public keys of the available private keys, sorted."""
    return tuple(sorted(find_age_keys(environment).recipients))


def init_repository(
    root: Path,
    options: InitOptions,
    environment: Mapping[str, str],
    random_bytes: Callable[[int], bytes],
    *,
    author: SealAuthor,
    ci: str = "github",
) -> InitResult:
    """Create a working repository in ``root``; existing files are never overwritten.

    The keys of new workspaces become known to the user. ``random_bytes`` returns that number of random
    bytes; ``author`` seals the settings; ``ci`` is ``github``, ``gitlab`` or ``none``.
    Raises DiagnosticError if sops is missing or an existing project is invalid.
    """
    files = _RepositoryFiles(root)
    _write_settings(files, options)
    project = read_project(root)
    missing = [name for name, _ in options.all_workspaces if name not in project.workspaces]
    files.advice += [f"keyturn.yaml: add the workspace {name} manually" for name in missing]
    write = create_manifest_writer(project, environment)
    sealers = SealerCache(project, environment)
    chosen = [each for name, each in project.workspaces.items() if name in dict(options.all_workspaces)]
    key_ids = {}
    for workspace in chosen:
        root_key = random_bytes(ROOT_KEY_BYTES)
        tree = build_key_tree(project, workspace, root_key, author)
        if files.add_key_file(write, project, workspace_key_path(workspace.name), tree):
            signing_key = SigningKey(root_key)
            key_ids[workspace.name] = signing_key.public_key.key_id
            add_known_key(environment, workspace.organization, signing_key.public_key.key_id)
            sealers.add_sealer(Sealer(workspace.name, signing_key))
    _write_pipeline(files, replace(options, key_ids=key_ids), ci)
    for workspace in chosen:
        password = base64.b32encode(random_bytes(20)).decode().lower()
        _write_example(files, write, sealers, workspace.name, Secret(password))
    return InitResult(
        created=tuple(files.created),
        unchanged=tuple(files.unchanged),
        extended=tuple(files.extended),
        advice=tuple(files.advice),
        key_ids=key_ids,
    )


def _write_settings(files: "_RepositoryFiles", options: InitOptions) -> None:
    files.add_text("keyturn.yaml", init_templates.render_project_file(options))
    files.add_text(".sops.yaml", init_templates.render_sops_rules(options))
    files.add_lines(".gitignore", init_templates.render_gitignore(options))
    files.add_text(".pre-commit-config.yaml", init_templates.PRE_COMMIT_CONFIG)
    for kind, file in init_templates.SCHEMA_FILES.items():
        files.add_text(file, read_schema_text(kind))
    for file, word, template in (
        (".sops.yaml", "manifests", init_templates.render_sops_rules(options)),
        (".pre-commit-config.yaml", "keyturn", init_templates.PRE_COMMIT_CONFIG),
    ):
        if not files.has_word(file, word):
            lines = template.split(":\n", 1)[1].rstrip()
            files.advice.append(f"{file} already exists: add these lines:\n{lines}")


def _write_pipeline(files: "_RepositoryFiles", options: InitOptions, ci: str) -> None:
    if ci in CI_FILES:
        file, content = CI_FILES[ci]
        files.add_text(file, content(options))
    if ci in CI_FILES and not files.has_word(CI_FILES[ci][0], "keyturn"):
        files.advice.append(
            f"{CI_FILES[ci][0]} already exists: add the commands `keyturn validate` and `keyturn apply`"
        )


def _write_example(
    files: "_RepositoryFiles", write: ManifestWriter, sealers: SealerCache, workspace: str, password: Secret
) -> None:
    # A repository with manifests needs no example.
    if files.has_manifests(f"manifests/{workspace}", f"{workspace}-warehouse"):
        return
    name = f"{workspace}-warehouse"
    file = f"manifests/{workspace}/credentials/{name}.yaml"
    if not files.has_path(file):
        tree = _build_example_credential(name, workspace)
        fields = flatten_tree({"config": tree["config"]})
        subject = SealSubject(Address("credential", name), "database", fields, SourceLocation(file))
        seal = sealers.find_sealer(file).compute_seal(subject)
        tree["secrets"] = {"password": password, "seal": seal}
        head = init_templates.render_modeline("credential", file)
        files.add_encrypted(write, file, tree, head)
    else:
        files.unchanged.append(file)
    file = f"manifests/{workspace}/connections/{name}.yaml"
    connection = init_templates.EXAMPLE_CONNECTION.format(name=name, workspace=workspace)
    files.add_text(file, init_templates.render_modeline("connection", file) + connection)


def create_manifest_writer(project: Project, environment: Mapping[str, str]) -> ManifestWriter:
    """Return a writer for the manifests of a project; raises DiagnosticError.

    The errors are those of ``find_sops`` and ``open_decryptor``.
    """
    policy = project.policy
    sops = find_sops(environment, policy.key_types, policy.servers)
    return ManifestWriter(project.root, policy, sops, open_decryptor(project, environment))


def _build_example_credential(name: str, workspace: str) -> dict[str, object]:
    return {
        "kind": "credential",
        "name": name,
        "type": "database",
        "labels": {"environment": workspace, "system": "warehouse", "owner": "data-platform"},
        "config": {
            "engine": "postgresql",
            "host": "db.example.com",
            "port": 5432,
            "database": "analytics",
            "username": "svc_planasonix",
        },
    }


class _RepositoryFiles:
    """The files of a repository; an existing file is kept, or extended at its end.

    Links are not followed: a link in place of a file is kept, one in place of a folder is an error (KT120).
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.created: list[str] = []
        self.unchanged: list[str] = []
        self.extended: list[str] = []
        self.advice: list[str] = []

    def add_text(self, relative: str, content: str) -> None:
        if self._claim_path(relative):
            with lock_for_writing(self._root, relative, new=True) as target:
                target.create(content.encode())

    def add_lines(self, relative: str, content: str) -> None:
        if not self.has_path(relative):
            self.add_text(relative, content)
            return
        if (self._root / relative).is_symlink():
            self.unchanged.append(relative)
            self.advice.append(f"{relative} is a symlink: add these lines to its target:\n{content.rstrip()}")
            return
        source = load_file(self._root, relative)
        present = source.data.decode("utf-8", "surrogateescape")
        lines = [each for each in content.splitlines() if not each.startswith("#")]
        missing = [each for each in lines if each not in present.splitlines()]
        if not missing:
            self.unchanged.append(relative)
            return
        separator = "" if present.endswith("\n") or not present else "\n"
        added = separator + "\n".join([*missing, ""])
        with lock_for_writing(self._root, relative) as target:
            target.replace(source.data + added.encode(), source.digest)
        self.extended.append(relative)

    def add_encrypted(
        self, write: ManifestWriter, relative: str, tree: dict[str, object], head: str = ""
    ) -> bool:
        is_new = self._claim_path(relative)
        if is_new:
            write.create_file(relative, tree, head)
        return is_new

    def add_key_file(
        self, write: ManifestWriter, project: Project, relative: str, tree: dict[str, object]
    ) -> bool:
        # A repository with a fingerprint key gets keys of its workspaces by `keyturn key create`.
        if self.has_path(project.fingerprint_key):
            return False
        return self.add_encrypted(write, relative, tree, KEY_FILE_HEAD)

    def has_word(self, relative: str, word: str) -> bool:
        try:
            return word in (self._root / relative).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return False

    def has_manifests(self, folder: str, example: str) -> bool:
        paths = (self._root / folder).rglob("*.y*ml")
        return any(path.stem != example for path in paths)

    def _claim_path(self, relative: str) -> bool:
        is_new = not self.has_path(relative)
        (self.created if is_new else self.unchanged).append(relative)
        return is_new

    def has_path(self, relative: str) -> bool:
        path = self._root / relative
        return path.is_symlink() or path.exists()
