"""A new repository: every file that is needed, and none of those that are there already."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keyturn.core.address import Address, Origin
from keyturn.core.fields import flatten
from keyturn.core.secret import Secret
from keyturn.engine import templates
from keyturn.engine.templates import Choice
from keyturn.load.decrypt import opener
from keyturn.load.keys import keyring
from keyturn.load.project import FINGERPRINT_KEY, Project, read_project
from keyturn.load.repository_key import FIELD, LENGTH
from keyturn.load.seal import Bound, expected
from keyturn.load.sops_binary import find_sops
from keyturn.load.writing import Writer


@dataclass(frozen=True, slots=True)
class Founded:
    """What was made and what was left as it stood, as paths below the root."""

    made: tuple[str, ...]
    kept: tuple[str, ...]


def recipients(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the age public keys whose private keys are at hand, sorted."""
    return tuple(sorted(keyring(environment).recipients))


def found(
    root: Path, choice: Choice, environment: Mapping[str, str], chance: Callable[[int], bytes]
) -> Founded:
    """Make a working repository in ``root``: adds what is missing, never overwrites.

    ``chance`` gives so many random bytes. Raises Faulty where sops is missing or what stands in
    the folder is no project of keyturn.
    """
    ground = _Ground(root)
    ground.text("keyturn.yaml", templates.project(choice))
    ground.text(".sops.yaml", templates.sops_rules(choice))
    ground.text(".gitignore", templates.ignored(choice))
    ground.text(".pre-commit-config.yaml", templates.PRE_COMMIT)
    ground.text(".github/workflows/keyturn.yml", templates.WORKFLOW)
    project = read_project(root)
    write = writer(project, environment)
    key = Secret(base64.b64encode(chance(LENGTH)).decode())
    ground.sealed(
        write,
        project.fingerprint_key or FINGERPRINT_KEY,
        {"kind": "fingerprint-key", FIELD[0]: {FIELD[1]: key}},
    )
    name = f"{choice.workspace}-warehouse"
    password = base64.b32encode(chance(20)).decode().lower()
    tree = _credential(name, choice.workspace, Secret(password))
    ground.sealed(write, f"manifests/{choice.workspace}/credentials/{name}.yaml", tree)
    connection = templates.CONNECTION.format(name=name, workspace=choice.workspace)
    ground.text(f"manifests/{choice.workspace}/connections/{name}.yaml", connection)
    return Founded(tuple(ground.made), tuple(ground.kept))


def writer(project: Project, environment: Mapping[str, str]) -> Writer:
    """Return what writes manifests of a project; raises Faulty where there is no sops."""
    policy = project.policy
    sops = find_sops(environment, policy.key_types, policy.servers)
    return Writer(project.root, policy, sops, opener(environment, policy, project.decryptor))


def _credential(name: str, workspace: str, password: Secret) -> dict[str, object]:
    config = {
        "engine": "postgresql",
        "host": "db.example.com",
        "port": 5432,
        "database": "analytics",
        "username": "svc_planasonix",
    }
    tree: dict[str, object] = {
        "kind": "credential",
        "name": name,
        "type": "database",
        "labels": {"environment": workspace, "system": "warehouse", "owner": "data-platform"},
        "config": config,
    }
    bound = Bound(Address("credential", name), "database", flatten({"config": config}), Origin(""))
    return tree | {"secrets": {"password": password, "seal": Secret(expected(bound))}}


class _Ground:
    """Notes what was made; a file that is there is left alone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.made: list[str] = []
        self.kept: list[str] = []

    def text(self, relative: str, content: str) -> None:
        path = self._root / relative
        if self._vacant(relative):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")

    def sealed(self, write: Writer, relative: str, tree: dict[str, object]) -> None:
        if self._vacant(relative):
            (self._root / relative).parent.mkdir(parents=True, exist_ok=True)
            write.new_file(relative, tree)

    def _vacant(self, relative: str) -> bool:
        vacant = not (self._root / relative).exists()
        (self.made if vacant else self.kept).append(relative)
        return vacant
