"""A new repository: every file that is needed, and none of those that are there already."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from keyturn.core.address import Address, Origin
from keyturn.core.fields import flatten
from keyturn.core.secret import Secret
from keyturn.engine import templates
from keyturn.engine.templates import Choice
from keyturn.load.decrypt import opener
from keyturn.load.definitions import text as schema_text
from keyturn.load.keys import keyring
from keyturn.load.project import FINGERPRINT_KEY, Project, read_project
from keyturn.load.repository_key import FIELD, LENGTH
from keyturn.load.seal import Bound, expected
from keyturn.load.sops_binary import find_sops
from keyturn.load.writing import Writer

CI: Mapping[str, tuple[str, Callable[[Choice], str]]] = MappingProxyType(
    {
        "github": (".github/workflows/keyturn.yml", templates.workflow),
        "gitlab": (".gitlab-ci.yml", templates.pipeline),
    }
)
"""Where each CI looks for its file, and what stands in it."""


class Founded(Struct, frozen=True, kw_only=True):
    """What was made, what lines were added to, and what was left as it stood, as paths below the root.

    ``advice`` is what only a person can do about files that were there.
    """

    made: tuple[str, ...]
    kept: tuple[str, ...]
    added: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


def recipients(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the age public keys whose private keys are at hand, sorted."""
    return tuple(sorted(keyring(environment).recipients))


def found(
    root: Path,
    choice: Choice,
    environment: Mapping[str, str],
    chance: Callable[[int], bytes],
    ci: str = "github",
) -> Founded:
    """Make a working repository in ``root``: adds what is missing, never overwrites.

    ``chance`` gives so many random bytes; ``ci`` is ``github``, ``gitlab`` or ``none``. Raises
    Faulty where sops is missing or what stands in the folder is no project of keyturn.
    """
    ground = _Ground(root)
    _settings(ground, choice, ci)
    project = read_project(root)
    missing = [name for name, _ in choice.workspaces if name not in project.workspaces]
    ground.advice += [f"keyturn.yaml: add the workspace {name} by hand" for name in missing]
    write = writer(project, environment)
    key = Secret(base64.b64encode(chance(LENGTH)).decode())
    ground.sealed(
        write,
        project.fingerprint_key or FINGERPRINT_KEY,
        {"kind": "fingerprint-key", FIELD[0]: {FIELD[1]: key}},
    )
    for name in project.workspaces:
        if name in dict(choice.workspaces):
            _example(ground, write, name, base64.b32encode(chance(20)).decode().lower())
    return Founded(
        made=tuple(ground.made),
        kept=tuple(ground.kept),
        added=tuple(ground.added),
        advice=tuple(ground.advice),
    )


def _settings(ground: "_Ground", choice: Choice, ci: str) -> None:
    ground.text("keyturn.yaml", templates.project(choice))
    ground.text(".sops.yaml", templates.sops_rules(choice))
    ground.lines(".gitignore", templates.ignored(choice))
    ground.text(".pre-commit-config.yaml", templates.PRE_COMMIT)
    for kind, file in templates.SCHEMAS.items():
        ground.text(file, schema_text(kind))
    if ci in CI:
        file, content = CI[ci]
        ground.text(file, content(choice))
    for file, word in ((".sops.yaml", "manifests"), (".pre-commit-config.yaml", "keyturn")):
        if not ground.says(file, word):
            wanted = templates.sops_rules(choice) if file == ".sops.yaml" else templates.PRE_COMMIT
            rows = wanted.split(":\n", 1)[1].rstrip()
            ground.advice.append(f"{file}: it is yours, so add to it by hand:\n{rows}")
    if ci in CI and not ground.says(CI[ci][0], "keyturn"):
        ground.advice.append(f"{CI[ci][0]}: it is yours; have it run `keyturn validate` and `keyturn apply`")


def _example(ground: "_Ground", write: Writer, workspace: str, password: str) -> None:
    # A repository that has manifests needs no example.
    if ground.holds(f"manifests/{workspace}", f"{workspace}-warehouse"):
        return
    name = f"{workspace}-warehouse"
    file = f"manifests/{workspace}/credentials/{name}.yaml"
    tree = _credential(name, workspace, Secret(password))
    ground.sealed(write, file, tree, templates.modeline("credential", file))
    file = f"manifests/{workspace}/connections/{name}.yaml"
    connection = templates.CONNECTION.format(name=name, workspace=workspace)
    ground.text(file, templates.modeline("connection", file) + connection)


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
    """The folder that is built on: a file that is there is left alone, or gains lines at its end."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.made: list[str] = []
        self.kept: list[str] = []
        self.added: list[str] = []
        self.advice: list[str] = []

    def text(self, relative: str, content: str) -> None:
        path = self._root / relative
        if self._vacant(relative):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")

    def lines(self, relative: str, content: str) -> None:
        path = self._root / relative
        if not path.exists():
            self.text(relative, content)
            return
        there = path.read_text("utf-8")
        wanted = [each for each in content.splitlines() if not each.startswith("#")]
        missing = [each for each in wanted if each not in there.splitlines()]
        if not missing:
            self.kept.append(relative)
            return
        with path.open("a", encoding="utf-8") as file:
            file.write(("" if there.endswith("\n") or not there else "\n") + "\n".join([*missing, ""]))
        self.added.append(relative)

    def sealed(self, write: Writer, relative: str, tree: dict[str, object], head: str = "") -> None:
        if self._vacant(relative):
            (self._root / relative).parent.mkdir(parents=True, exist_ok=True)
            write.new_file(relative, tree, head)

    def says(self, relative: str, word: str) -> bool:
        """Tell whether a file has a word in it."""
        try:
            return word in (self._root / relative).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return False

    def holds(self, folder: str, but: str) -> bool:
        """Tell whether there are manifests in a folder, other than the example."""
        found = (self._root / folder).rglob("*.y*ml")
        return any(path.stem != but for path in found)

    def _vacant(self, relative: str) -> bool:
        vacant = not (self._root / relative).exists()
        (self.made if vacant else self.kept).append(relative)
        return vacant
