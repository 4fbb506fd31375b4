"""What the scenes are read from: trees on disk, loaded and opened once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from faults.scenes import Scene
from keyturn.manifests.loader import LoadedManifests
from keyturn.model.address import Address
from keyturn.model.resource import DesiredResource, EncryptedSecret
from keyturn.operations.plan import secret_loader
from keyturn.project.project import Project
from planasonix_emulator.storage.records import StoredRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A project on disk: what git says, opened."""

    project: Project
    desired: tuple[DesiredResource, ...]
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A scene made ready: both trees, and what service and state held before the curtain."""

    scene: Scene
    first: Tree
    before: Tree
    after: Tree
    rows: tuple[StoredRecord, ...]
    state: tuple[dict[str, Any], bytes]
    at: float


def passwords(stage: Stage) -> set[str]:
    """Return every secret of a scene, opened."""
    trees = (stage.before, stage.after)
    found = (value for tree in trees for each in tree.desired for value in each.secrets.values())
    return {value.reveal() for value in found}


@dataclass(frozen=True, slots=True)
class Once:
    """What was read from disk, by the root of its project: manifests, opened ones, the key."""

    loaded: dict[Path, LoadedManifests] = field(default_factory=dict)
    opened: dict[tuple[Path, Address], DesiredResource] = field(default_factory=dict)
    keys: dict[Path, bytes] = field(default_factory=dict)

    def invent(self, like: Tree, number: int, desired: tuple[DesiredResource, ...]) -> Tree:
        """Return a tree that was never on disk."""
        project = replace(like.project, root=like.project.root.parent / f"invented-{number}")
        self.loaded[project.root] = LoadedManifests(desired=tuple(map(_sealed, desired)))
        self.opened.update({(project.root, each.address): each for each in desired})
        self.keys[project.root] = bytes(32)
        return Tree(project=project, desired=desired, commit="")


def _sealed(desired: DesiredResource) -> DesiredResource:
    return replace(
        desired,
        secrets={path: EncryptedSecret(digest) for path, digest in desired.ciphertext_digests.items()},
    )


@contextmanager
def opened_once(base: Path) -> Iterator[Once]:  # noqa: C901  # three stand-ins side by side
    """Load and open each tree below ``base`` once: what stands there does not change within a case.

    Everything else is read anew each time: other tests of the same process change their files.
    """
    once = Once()
    load, unseal, key = (
        secret_loader.load_manifests,
        secret_loader.decrypt_manifests,
        secret_loader.read_fingerprint_key,
    )

    def load_once(project: Project, workspace: Any) -> LoadedManifests:
        if not project.root.is_relative_to(base):
            return load(project, workspace)
        if project.root not in once.loaded:
            once.loaded[project.root] = load(project, workspace)
        return once.loaded[project.root]

    def unseal_once(
        desired: tuple[DesiredResource, ...], project: Project, environment: Any
    ) -> tuple[DesiredResource, ...]:
        if not project.root.is_relative_to(base):
            return unseal(desired, project, environment)
        for each in desired:
            mark = (project.root, each.address)
            if mark not in once.opened:
                (once.opened[mark],) = unseal((each,), project, environment)
        return tuple(once.opened[project.root, each.address] for each in desired)

    def key_once(project: Project, decrypt: Any) -> bytes:
        if not project.root.is_relative_to(base):
            return key(project, decrypt)
        if project.root not in once.keys:
            once.keys[project.root] = key(project, decrypt)
        return once.keys[project.root]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secret_loader, "load_manifests", load_once)
        patch.setattr(secret_loader, "decrypt_manifests", unseal_once)
        patch.setattr(secret_loader, "read_fingerprint_key", key_once)
        yield once
