"""How the base of a plan is found: other folders, other names, invalid and missing project files."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from keyturn.files.discovery import find_manifests
from keyturn.git.revision import Revision
from keyturn.operations.plan.base_manifests import find_base_manifests
from keyturn.project.project import read_project

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def git(root, *words):
    """Run git in the repository."""
    words = ["git", "-c", "init.defaultBranch=main", *words]
    return subprocess.run(words, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


class Tree:
    """A repository that a test writes, commits and changes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        git(root, "init", "-q")

    def project(self, *, folder=".", **workspaces):
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

    def connection(self, path, more=""):
        """Write a connection."""
        name = path.rpartition("/")[2].removesuffix(".yaml")
        config = "credential: x\nconfig: {host: a.example.com}\n"
        self.write(path, f"kind: connection\nname: {name}\ntype: postgres\n{config}{more}")

    def write(self, path, text):
        """Write a file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self):
        """Commit everything, and remove it from the work tree."""
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "x")
        git(self.root, "rm", "-rq", ".")

    def find(self, name="", folder="."):
        """Return the manifests of the base for the files of today."""
        project = read_project(self.root / folder)
        workspace = project.find_workspace(name)
        files = find_manifests(project.root, workspace.manifests).sources
        base = Revision(project.root, "HEAD", ENVIRONMENT)
        return find_base_manifests(project, workspace, base, files, ENVIRONMENT)

    def pairs(self, name="", folder="."):
        """Return the path of the base by the path of today, and the notes."""
        found = self.find(name, folder)
        paths = {file: source.relative for source, file in found.successors.items()}
        return paths, [each.message for each in found.notes]


@pytest.fixture
def tree(tmp_path):
    """Return an empty repository."""
    return Tree(tmp_path / "repository")


def test_a_renamed_workspace_of_the_same_organization(tree):
    """The one with the organization, although another one has more common names."""
    tree.project(prod=("org_a", "m/prod"), other=("org_b", "m/other"))
    tree.connection("m/prod/db.yaml")
    for name in ("db", "lake"):
        tree.connection(f"m/other/{name}.yaml")
    tree.commit()
    tree.project(live=("org_a", "m/live"))
    for name in ("db", "lake"):
        tree.connection(f"m/live/{name}.yaml")
    paths, notes = tree.pairs()
    assert paths == {"m/live/db.yaml": "m/prod/db.yaml", "m/live/lake.yaml": "m/other/lake.yaml"}
    assert notes == [
        "workspace live is prod of the base: it has the same organization",
        "the base has this resource in m/other/lake.yaml, outside of this workspace",
    ]


def test_a_renamed_workspace_with_the_most_common_resources(tree):
    """If its organization changed, too."""
    tree.project(prod=("org_a", "m/prod"), other=("org_b", "m/other"))
    tree.connection("m/other/db.yaml")
    for name in ("db", "lake"):
        tree.connection(f"m/prod/{name}.yaml")
    tree.commit()
    tree.project(live=("org_c", "m/live"))
    for name in ("db", "lake"):
        tree.connection(f"m/live/{name}.yaml")
    paths, notes = tree.pairs()
    assert set(paths.values()) == {"m/prod/db.yaml", "m/prod/lake.yaml"}
    assert notes == ["workspace live is prod of the base: it has the most common resources"]


def test_a_new_workspace_beside_the_old_ones_is_new(tree):
    """A file of the same name that is still in its workspace is another resource."""
    tree.project(prod=("org_a", "m/prod"))
    tree.connection("m/prod/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m/prod"), lab=("org_b", "m/lab"))
    tree.connection("m/prod/db.yaml")
    tree.connection("m/lab/db.yaml")
    paths, notes = tree.pairs("lab")
    assert paths == {}
    assert notes == ["the base has no such workspace: the plan compares all resources as new"]
    assert tree.pairs("prod") == ({"m/prod/db.yaml": "m/prod/db.yaml"}, [])


def test_a_folder_that_goes_to_another_workspace(tree):
    """Only keyturn.yaml changes, so the files are at their paths."""
    tree.project(prod=("org_a", "m/prod"))
    tree.connection("m/prod/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m/empty"), lab=("org_b", "m/prod"))
    tree.connection("m/prod/db.yaml")
    tree.connection("m/empty/more.yaml")
    paths, notes = tree.pairs("lab")
    assert paths == {"m/prod/db.yaml": "m/prod/db.yaml"}
    assert "outside of this workspace" in notes[0]


def test_a_resource_that_moves_between_workspaces(tree):
    """And gets another name, by moved_from."""
    tree.project(prod=("org_a", "m/prod"), lab=("org_b", "m/lab"))
    for path in ("m/prod/db.yaml", "m/prod/lake.yaml", "m/lab/mail.yaml"):
        tree.connection(path)
    tree.commit()
    tree.project(prod=("org_a", "m/prod"), lab=("org_b", "m/lab"))
    tree.connection("m/prod/db.yaml")
    tree.connection("m/lab/mail.yaml")
    tree.connection("m/lab/pond.yaml", "moved_from: lake\n")
    paths, _ = tree.pairs("lab")
    assert paths == {"m/lab/mail.yaml": "m/lab/mail.yaml", "m/lab/pond.yaml": "m/prod/lake.yaml"}


@pytest.mark.parametrize(("before", "after"), [(".", "infra/access"), ("infra/access", ".")])
def test_a_project_that_moves(tree, before, after):
    """Deeper into the repository, or to its top."""
    tree.project(folder=before, prod=("org_a", "m"))
    tree.connection(f"{before}/m/db.yaml")
    tree.project(folder="elsewhere", prod=("org_z", "m"))
    tree.connection("elsewhere/m/db.yaml")
    tree.commit()
    tree.project(folder=after, prod=("org_a", "m"))
    tree.connection(f"{after}/m/db.yaml")
    tree.project(folder="elsewhere", prod=("org_z", "m"))
    found = tree.find(folder=after)
    assert found.workspace.revision.folder == before
    assert list(found.successors.values()) == ["m/db.yaml"]
    place = "keyturn.yaml" if before == "." else f"{before}/keyturn.yaml"
    assert [each.message for each in found.notes] == [f"the base has this workspace in {place}"]


def test_a_base_without_a_project_file(tree):
    """Manifests are found by kind and name; without any, all resources are new."""
    tree.connection("m/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m"))
    tree.connection("m/db.yaml")
    tree.connection("m/new.yaml")
    paths, notes = tree.pairs()
    assert paths == {"m/db.yaml": "m/db.yaml"}
    assert notes[-1] == "the base has no keyturn.yaml: the plan compares 1 of 2 resources as new"
    (tree.root / "m/db.yaml").unlink()
    assert tree.pairs()[1] == ["the base has no keyturn.yaml: the plan compares all resources as new"]


@pytest.mark.parametrize("damage", ["ledger: x\n", "policy: {limits: 7}\n", "policy: [\n"])
def test_a_base_with_an_invalid_project_file(tree, damage):
    """Its folders count as far as they can be read; a syntax error leaves the names of files."""
    tree.project(prod=("org_a", "m/old"))
    path = tree.root / "keyturn.yaml"
    path.write_text(path.read_text() + damage)
    tree.connection("m/old/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m/new"))
    tree.connection("m/new/db.yaml")
    found = tree.find()
    assert found.workspace.is_invalid
    assert list(found.successors.values()) == ["m/new/db.yaml"]
    assert "keyturn.yaml of the base is invalid: its policy was not compared" in tree.pairs()[1]


@pytest.mark.parametrize("folder", ["../outside", "/etc", 7, ""])
def test_no_folder_of_the_base_leads_out(tree, folder):
    """The keyturn.yaml of the base is not checked by the schema."""
    tree.project(prod=("org_a", folder))
    tree.connection("m/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m"))
    tree.connection("m/db.yaml")
    assert tree.pairs()[0] == {"m/db.yaml": "m/db.yaml"}


def test_files_that_a_sparse_checkout_leaves_out_are_not_gone(tree):
    """A file of another workspace with the same name is not followed."""
    tree.project(prod=("org_a", "m/prod"), lab=("org_b", "m/lab"))
    tree.connection("m/prod/db.yaml")
    tree.connection("m/lab/mail.yaml")
    tree.commit()
    git(tree.root, "reset", "-q", "--hard")
    git(tree.root, "sparse-checkout", "set", "--cone", "m/lab")
    tree.connection("m/lab/db.yaml")
    assert tree.pairs("lab")[0] == {"m/lab/mail.yaml": "m/lab/mail.yaml"}
