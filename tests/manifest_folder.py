"""A folder of manifests, encrypted by the real sops and sealed."""

import os
import subprocess
from pathlib import Path

from age_keys import AgeKey
from keyturn.manifests.loader import LoadedManifests, load_manifests
from keyturn.manifests.seal import build_seal_subject, compute_expected_seal
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.model.resource import DesiredResource
from keyturn.project.project import Project, read_project
from keyturn.yamldoc.reader import Document, parse_document

PROJECT = """version: 1
workspaces:
  prod:
    base_url: https://api.example.com
    organization: org_example
    api_key: {env: PLANASONIX_API_KEY}
    manifests: [manifests]
"""
LIFECYCLE_FIELDS = """keep: [ssh_private_key]
rotation: {max_age: 12w, strategy: replace, grace: 0d}
lifecycle: {protect: true}
moved_from: old-reader
waive:
  - {rule: KT330, reason: because}
"""
"""Every field of a credential manifest that is not written to the service."""


def parse_manifest_text(text: str, file: str = "manifests/x.yaml") -> Document:
    """Parse the text of a manifest."""
    return parse_document(text.encode(), file)


class ManifestFolder:
    """A project with one workspace, all of whose manifests lie below ``manifests``."""

    def __init__(
        self, root: Path, key: AgeKey, sops: Path, policy: str = "policy: {seal: required}\n"
    ) -> None:
        self.root, self.key, self.sops = root, key, sops
        (root / "manifests").mkdir()
        (root / "keyturn.yaml").write_text(PROJECT + policy)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with the age key."""
        return {"SOPS_AGE_KEY": self.key.identity, "PATH": os.environ["PATH"]}

    @property
    def project(self) -> Project:
        """The project as it is on disk."""
        return read_project(self.root)

    def write_plain(self, name: str, text: str) -> Path:
        """Write a manifest without secrets."""
        path = self.root / "manifests" / f"{name}.yaml"
        path.write_text(text)
        return path

    def write_sealed(self, name: str, text: str) -> Path:
        """Encrypt a manifest with the real sops; ``SEAL`` in it is replaced by its seal."""
        whole = text.replace("SEAL", compute_expected_seal(build_seal_subject(parse_manifest_text(text))))
        command = [str(self.sops), "--config", "/dev/null", "encrypt", "--age", self.key.recipient]
        command += ["--encrypted-regex", "^secrets$", "--input-type", "yaml", "--output-type", "yaml"]
        command += ["--filename-override", "x.yaml", "/dev/stdin"]
        environment = {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, input=whole.encode(), capture_output=True, check=True, env=environment)
        return self.write_plain(name, done.stdout.decode())

    def is_decrypted_by_sops(self, path: Path) -> bool:
        """Tell whether the real sops decrypts a file."""
        command = [str(self.sops), "--config", "/dev/null", "decrypt", "--output", os.devnull, str(path)]
        return not subprocess.run(command, capture_output=True, check=False, env=self.environment).returncode

    def load(self, *only: str) -> LoadedManifests:
        """Load the workspace, or some files of it."""
        project = self.project
        return load_manifests(project, project.find_workspace(), only)

    def load_decrypted(self) -> tuple[DesiredResource, ...]:
        """Load and decrypt all manifests; loading must give no diagnostics."""
        loaded = self.load()
        assert loaded.diagnostics == ()
        return decrypt_manifests(loaded.desired, self.project, self.environment)
