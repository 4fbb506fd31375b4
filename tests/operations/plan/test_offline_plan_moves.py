"""Offline plans over random moves between base and head, against an oracle by kind and name.

The oracle knows no path: a repository is a set of resources by workspace, kind and name, and a layout
decides where their files are. Only the resources may decide what a plan shows.
"""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pyrage
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.model.change import Action
from keyturn.operations.plan.offline_plan import plan_against_base
from keyturn.operations.plan.plan import PlanOptions
from keyturn.project.project import read_project
from sops_files import run_sops

WORKSPACES = {"prod": "org_a", "staging": "org_b"}
HOSTS = ("db.example.com", "other.example.com", "evil.example.net")


@dataclass
class Layout:
    """Where files are: the folder of the project, and by workspace its name and the folder of manifests."""

    project: str = "."
    names: dict[str, str] = field(default_factory=lambda: {each: each for each in WORKSPACES})
    folders: dict[str, str] = field(
        default_factory=lambda: {each: f"manifests/{each}" for each in WORKSPACES}
    )
    organizations: dict[str, str] = field(default_factory=lambda: dict(WORKSPACES))
    subfolders: dict[tuple[str, str, str], str] = field(default_factory=dict)


Resources = dict[tuple[str, str, str], str]
"""The host of each resource by workspace, kind and name."""


def draw_base(random: Random) -> Resources:
    """Return credentials and connections; some names exist in both workspaces."""
    resources: Resources = {}
    for workspace in WORKSPACES:
        for name in random.sample(["db", "lake", "mail", "queue"], random.randint(1, 4)):
            full = name if random.random() < 0.3 else f"{workspace}-{name}"
            resources[workspace, "credential", full] = HOSTS[0]
            resources[workspace, "connection", full] = HOSTS[0]
    return resources


def draw_head(random: Random, base: Resources) -> Resources:
    """Return the resources of the base after random edits: hosts, new connections, removed ones."""
    head = dict(base)
    for key in list(base):
        workspace, kind, name = key
        if kind == "connection" and random.random() < 0.3:
            head[key] = random.choice(HOSTS)
        if kind == "connection" and random.random() < 0.15:
            del head[key]
        if kind == "credential" and random.random() < 0.2:
            head[workspace, "connection", f"{workspace}-new-{name}"] = HOSTS[0]
    return head


def draw_layout(random: Random, base: Layout, resources: Resources) -> Layout:
    """Return a layout with random moves of projects, folders, workspaces and files."""
    layout = Layout(project=random.choice([".", ".", "infra", "teams/data"]))
    for workspace, organization in WORKSPACES.items():
        layout.names[workspace] = random.choice([workspace, workspace, f"{workspace}-eu"])
        layout.folders[workspace] = random.choice(
            [base.folders[workspace], f"live/{workspace}", f"manifests/{workspace}/all"]
        )
        if layout.names[workspace] == workspace and random.random() < 0.2:
            layout.organizations[workspace] = f"{organization}_renamed"
    for key in resources:
        if random.random() < 0.3:
            layout.subfolders[key] = random.choice([f"{key[1]}s/deep", f"deep/er/{key[1]}"])
    return layout


def write_repository(root: Path, resources: Resources, layout: Layout, ciphertexts: dict[str, str]) -> None:
    """Write keyturn.yaml and all manifests; other files of the folder are removed."""
    for path in sorted(root.rglob("*"), reverse=True):
        if ".git" not in path.relative_to(root).parts:
            path.unlink() if path.is_file() else path.rmdir()
    project = root / layout.project
    workspaces = {
        layout.names[each]: {
            "base_url": "http://127.0.0.1:9",
            "organization": layout.organizations[each],
            "api_key": {"env": "PLANASONIX_API_KEY"},
            "manifests": [layout.folders[each]],
        }
        for each in WORKSPACES
    }
    write(project / "keyturn.yaml", yaml.safe_dump({"version": 1, "workspaces": workspaces}))
    for workspace, kind, name in resources:
        key = (workspace, kind, name)
        folder = project / layout.folders[workspace] / layout.subfolders.get(key, f"{kind}s")
        write(folder / f"{name}.yaml", format_manifest(kind, name, resources[key], ciphertexts))
    other = {
        "version": 1,
        "workspaces": {"lab": {**workspaces[layout.names["prod"]], "organization": "org_c"}},
    }
    other["workspaces"]["lab"]["manifests"] = ["m"]
    write(root / "lab/keyturn.yaml", yaml.safe_dump(other))
    write(root / "lab/m/lab-db.yaml", format_manifest("connection", "lab-db", HOSTS[2], ciphertexts))


def write(path: Path, text: str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def format_manifest(kind: str, name: str, host: str, ciphertexts: dict[str, str]) -> str:
    """Return a manifest; the ciphertext of a credential depends on its name alone."""
    if kind == "credential":
        return ciphertexts["credential"].replace("NAME", name)
    tree = {
        "kind": kind, "name": name, "type": "postgres", "credential": find_credential(name),
        "config": {"host": host, "port": 5432, "database": "app"},
    }  # fmt: skip
    return yaml.safe_dump(tree, sort_keys=False)


def find_credential(name: str) -> str:
    """Return the credential that a connection uses."""
    return name.rpartition("-new-")[2]


def git(root: Path, *words: str) -> str:
    """Run git in the repository."""
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(root: Path) -> str:
    """Commit everything and return the commit."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "x")
    return git(root, "rev-parse", "HEAD")


def expect_actions(base: Resources, head: Resources, workspace: str) -> dict[str, Action]:
    """Return the action of each resource of a workspace that changed, by address."""
    before = {key[1:]: host for key, host in base.items() if key[0] == workspace}
    after = {key[1:]: host for key, host in head.items() if key[0] == workspace}
    actions = {
        key: Action.CREATE if key not in before else Action.RETIRE if key not in after else Action.UPDATE
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }
    return {f"{kind}/{name}": action for (kind, name), action in actions.items()}


@pytest.fixture(scope="module")
def ciphertexts():
    """Return an encrypted credential with NAME for its name."""
    tree = {
        "kind": "credential", "name": "NAME", "type": "database",
        "config": {"engine": "postgresql", "host": HOSTS[0], "port": 5432, "username": "svc"},
        "secrets": {"password": "a value of this test"},
    }  # fmt: skip
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    types = ("--input-type", "yaml", "--output-type", "yaml")
    arguments = ("encrypt", "--age", recipient, "--encrypted-regex", "^secrets$", *types, "/dev/stdin")
    return {"credential": run_sops(*arguments, stdin=yaml.safe_dump(tree, sort_keys=False)).decode()}


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_resources_decide(tmp_path_factory, ciphertexts, random):
    """Whatever moved, the plan has the changes of the oracle, and an exposure for each moved host."""
    root = tmp_path_factory.mktemp("moves")
    base = draw_base(random)
    head = draw_head(random, base)
    first = Layout()
    git(root, "init", "-q")
    write_repository(root, base, first, ciphertexts)
    start = commit(root)
    layout = draw_layout(random, first, head)
    write_repository(root, head, layout, ciphertexts)
    if random.random() < 0.5:
        commit(root)
    project = read_project(root / layout.project)
    environment = {"PATH": os.environ["PATH"]}
    for workspace, name in layout.names.items():
        plan = plan_against_base(project, project.workspaces[name], PlanOptions(), environment, start)
        found = {str(each.address): each.action for each in plan.changes}
        expected = expect_actions(base, head, workspace)
        if not any(key[0] == workspace for key in head):
            expected = {}
        assert found == expected
        exposed = {str(change.address) for change in plan.changes if change.exposures}
        assert exposed == {
            address
            for address, action in expected.items()
            if action is Action.UPDATE and f"credential/{address.partition('/')[2]}" not in expected
        }
        assert not [each for each in plan.access_changes if each.code in ("KT480", "KT481", "KT482")]
