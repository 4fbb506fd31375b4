"""The key of a workspace: what it seals, and how a key or a setting of somebody else is found."""

import base64
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from keyturn.manifests.writer import ManifestWriter
from keyturn.model.diagnostic import DiagnosticError
from keyturn.project.keys import open_decryptor
from keyturn.project.known_keys import add_known_key
from keyturn.project.project import read_project, read_project_at
from keyturn.project.workspace_key import (
    SealAuthor,
    build_key_tree,
    find_settings_changes,
    load_workspace_key,
    read_root_key,
    verify_workspace,
    workspace_key_path,
)
from keyturn.sops.binary import find_sops
from keyturn.trust.signing import SigningKey

ROOT_KEY = bytes(range(32))
AUTHOR = SealAuthor("alice@laptop", "2026-01-02", "first")
PROJECT = """version: 1
workspaces:
  prod:
    base_url: https://api.example.com
    organization: org_a
    api_key: {env: PLANASONIX_API_KEY}
    manifests: [manifests/prod]
    state: s3://bucket/prod
policy:
  recipients: {manifests/prod: [RECIPIENT], .keyturn/keys: [RECIPIENT]}
"""
CHANGES = {
    "base URL": ("https://api.example.com", "https://evil.example.net"),
    "organization": ("org_a", "org_b"),
    "source of the API key": ("{env: PLANASONIX_API_KEY}", "{env: OTHER}"),
    "state location": ("s3://bucket/prod", "s3://other/prod"),
    "update mode": ("organization: org_a", "organization: org_a\n    put: partial"),
    "list of recipients": ("manifests/prod: [", "manifests/prod: [age1evil, "),
}


class KeyedRepository:
    """A repository with the key of one workspace, encrypted by the real sops."""

    def __init__(self, root: Path, key, sops: Path) -> None:
        self.root, self.file = root, root / workspace_key_path("prod")
        text = PROJECT.replace("RECIPIENT", key.recipient)
        (root / "keyturn.yaml").write_text(text)
        self.environment = {
            "HOME": str(root / "home"), "SOPS_AGE_KEY": key.identity,
            "PATH": f"{sops.parent}:{os.environ['PATH']}",
        }  # fmt: skip
        self.write_key(ROOT_KEY)

    @property
    def project(self):
        """The project as it is on disk."""
        return read_project(self.root)

    @property
    def workspace(self):
        """Its workspace."""
        return self.project.find_workspace()

    def write_key(self, root_key: bytes) -> None:
        """Write the key file, sealed for the current settings."""
        self.file.unlink(missing_ok=True)
        policy = self.project.policy
        writer = ManifestWriter(
            self.root, policy, find_sops(self.environment, policy.key_types, ()),
            open_decryptor(self.project, self.environment),
        )  # fmt: skip
        tree = build_key_tree(self.project, self.workspace, root_key, AUTHOR)
        writer.create_file(workspace_key_path("prod"), tree)

    def trust(self, root_key: bytes) -> None:
        """Trust a key for the organization."""
        add_known_key(self.environment, "org_a", SigningKey(root_key).public_key.key_id)

    def change_file(self, old: str, new: str, file: str = "keyturn.yaml") -> None:
        """Replace a text of a file."""
        path = self.root / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def verify(self, **environment: str):
        """Verify the workspace."""
        return verify_workspace(self.project, self.workspace, {**self.environment, **environment})

    def find_codes(self, **environment: str) -> list[str]:
        """Return the codes of the errors of the verification."""
        try:
            self.verify(**environment)
        except DiagnosticError as error:
            return [each.code for each in error.diagnostics]
        return []


@pytest.fixture
def repository(tmp_path, age_key, sops):
    """Return a repository whose key is trusted."""
    repository = KeyedRepository(tmp_path, age_key, sops)
    repository.trust(ROOT_KEY)
    return repository


def test_a_trusted_key_that_seals_the_settings_is_accepted(repository):
    """The readable part names key, settings and author; the root key is encrypted."""
    key = repository.verify()
    assert key.public_key == SigningKey(ROOT_KEY).public_key
    assert key.seal["by"] == "alice@laptop"
    assert key.settings["base_url"] == "https://api.example.com"
    decrypt = open_decryptor(repository.project, repository.environment)
    assert (
        read_root_key(repository.project, repository.workspace, decrypt, repository.environment) == ROOT_KEY
    )
    assert base64.b64encode(ROOT_KEY).decode() not in repository.file.read_text()


@pytest.mark.parametrize("what", CHANGES)
def test_each_changed_setting_is_found(repository, what):
    """The message names the setting, what a key holder sealed, and what it is now."""
    repository.trust(ROOT_KEY)
    repository.change_file(*CHANGES[what])
    key = load_workspace_key(repository.project, repository.workspace, {})
    (found,) = find_settings_changes(repository.project, repository.workspace, key)
    assert found.code == "KT261"
    assert found.message.startswith(f"the {what} of workspace prod: a key holder sealed ")
    pin = {"KEYTURN_KEY_ID": key.public_key.key_id}
    assert repository.find_codes(**pin) == ["KT261"]


def test_a_key_in_the_place_of_its_source_is_not_shown(repository):
    """The message says that the setting changed."""
    repository.trust(ROOT_KEY)
    repository.change_file("{env: PLANASONIX_API_KEY}", "{env: plnx_live_0123456789abcdef}")
    key = load_workspace_key(repository.project, repository.workspace, {})
    (found,) = find_settings_changes(repository.project, repository.workspace, key)
    assert found.message.endswith("sealed env PLANASONIX_API_KEY, now it is ▒▒▒")


@pytest.mark.parametrize(
    ("old", "new"),
    [("alice@laptop", "bob@laptop"), ("2026-01-02", "2026-01-03"), ("serial: 1", "serial: 2"),
     ("reason: first", "reason: second"), ("base_url: https://api", "base_url: https://evil")],
)  # fmt: skip
def test_a_changed_seal_is_not_valid(repository, old, new):
    """Everything readable is signed."""
    repository.change_file(old, new, workspace_key_path("prod"))
    assert repository.find_codes() == ["KT261"]


def test_a_key_of_somebody_else_is_refused(repository):
    """Anybody can encrypt another key for the recipients and seal other settings with it."""
    repository.change_file("https://api.example.com", "https://evil.example.net")
    repository.write_key(bytes(32))
    assert repository.find_codes() == ["KT260"]
    assert repository.find_codes(KEYTURN_KEY_ID=SigningKey(bytes(32)).public_key.key_id) == []


def test_a_public_key_that_is_not_that_of_the_root_key_is_damage(repository):
    """The two halves belong together."""
    other = str(SigningKey(bytes(32)).public_key)
    repository.change_file(str(SigningKey(ROOT_KEY).public_key), other, workspace_key_path("prod"))
    decrypt = open_decryptor(repository.project, repository.environment)
    with pytest.raises(DiagnosticError) as caught:
        read_root_key(repository.project, repository.workspace, decrypt, repository.environment)
    # The MAC covers the public key, too.
    assert {each.code for each in caught.value.diagnostics} <= {"KT262", "KT213", "KT221"}


@pytest.mark.parametrize("trust", ["file", "variable"])
def test_a_removed_key_is_missed(repository, trust):
    """Without the file, the workspace would have no seals."""
    environment = {}
    if trust == "variable":
        environment = {"HOME": "", "KEYTURN_KEY_ID": "SHA256:x"}
    repository.file.unlink()
    assert repository.find_codes(**environment) == ["KT262"]


def test_a_workspace_without_a_key_has_no_seals(repository):
    """Where no key is known, nothing is missed."""
    repository.file.unlink()
    assert repository.verify(HOME="") is None


@pytest.mark.parametrize("removed", ["public", "settings", "seal"])
def test_an_incomplete_file_is_damage(repository, removed):
    """Each readable part is required."""
    tree = yaml.safe_load(repository.file.read_text())
    del tree[removed]
    repository.file.write_text(yaml.safe_dump(tree))
    assert repository.find_codes() == ["KT262"]


def test_settings_that_move_in_a_test_are_not_sealed(tmp_path, age_key, sops):
    """The port of a service on this machine, and a state in a folder until it is shared."""
    repository = KeyedRepository(tmp_path, age_key, sops)
    repository.change_file("https://api.example.com", "http://127.0.0.1:8000")
    repository.change_file("s3://bucket/prod", "file:.keyturn/prod")
    repository.write_key(ROOT_KEY)
    repository.trust(ROOT_KEY)
    repository.change_file("127.0.0.1:8000", "127.0.0.1:9000")
    repository.change_file("file:.keyturn/prod", "file:.state")
    assert repository.find_codes() == []
    repository.change_file("http://127.0.0.1:9000", "https://api.example.com")
    assert repository.find_codes() == ["KT261"]


def test_the_file_of_a_revision_belongs_to_its_project(repository):
    """A project of a commit is verified with the key file of that commit."""
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *words]
        subprocess.run(git, cwd=repository.root, check=True, capture_output=True)
    repository.write_key(bytes(32))
    project = read_project_at(repository.root, "HEAD", repository.environment)
    key = load_workspace_key(project, project.find_workspace(), repository.environment)
    assert key.public_key == SigningKey(ROOT_KEY).public_key
    repository.file.unlink()
    assert load_workspace_key(repository.project, repository.workspace, repository.environment) is None
