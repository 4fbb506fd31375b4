"""A repository whose project file and manifests a test writes, commits and moves."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from keyturn.files.discovery import find_manifests
from keyturn.git.revision import Revision
from keyturn.operations.review.base_manifests import BaseManifests, find_base_manifests
from keyturn.project.project import read_project

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def git(root: Path, *words: str) -> str:
    """Run git in the repository."""
    command = ["git", "-c", "init.defaultBranch=main", *words]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


class BaseTree:
    """A repository that a test writes, commits and changes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        git(root, "init", "-q")

    def project(self, *, folder: str = ".", **workspaces: tuple[object, object]) -> None:
        """Write keyturn.yaml; ``workspaces`` are organization and folder by name."""
        tree = {
            name: {
                "base_url": "http://127.0.0.1:9",
                "organization": organization,
                "api_key": {"env": "KEY"},
                "manifests": [manifests],
            }
            for name, (organization, manifests) in workspaces.items()
        }
        self.write(f"{folder}/keyturn.yaml", yaml.safe_dump({"version": 1, "workspaces": tree}))

    def connection(self, path: str, more: str = "") -> None:
        """Write a connection."""
        name = path.rpartition("/")[2].removesuffix(".yaml")
        config = "credential: x\nconfig: {host: a.example.com}\n"
        self.write(path, f"kind: connection\nname: {name}\ntype: postgres\n{config}{more}")

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self) -> None:
        """Commit everything, and remove it from the work tree."""
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "x")
        git(self.root, "rm", "-rq", ".")

    def find(self, name: str = "", folder: str = ".") -> BaseManifests:
        """Return the manifests of the base for the files of today."""
        project = read_project(self.root / folder)
        workspace = project.find_workspace(name)
        files = find_manifests(project.root, workspace.manifests).sources
        base = Revision(project.root, "HEAD", ENVIRONMENT)
        return find_base_manifests(project, workspace, base, files, ENVIRONMENT)

    def pairs(self, name: str = "", folder: str = ".") -> tuple[dict[str, str], list[str]]:
        """Return the path of the base by the path of today, and the notes."""
        found = self.find(name, folder)
        paths = {file: source.relative for source, file in found.successors.items()}
        return paths, [each.message for each in found.notes]


@pytest.fixture
def tree(tmp_path: Path) -> BaseTree:
    """Return an empty repository."""
    return BaseTree(tmp_path / "repository")
