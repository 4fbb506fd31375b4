"""Manifests on disk, loaded and decrypted once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from faults.scenarios import Scenario
from keyturn.manifests.loader import LoadedManifests
from keyturn.model.address import Address
from keyturn.model.resource import DesiredResource, EncryptedSecret
from keyturn.operations.plan import secret_loader
from keyturn.project.project import Project
from planasonix_emulator.storage.records import StoredRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestTree:
    """A project on disk and its decrypted manifests."""

    project: Project
    desired: tuple[DesiredResource, ...]
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedScenario:
    """A scenario with its trees, and the records and the state before the last apply."""

    scenario: Scenario
    first: ManifestTree
    before: ManifestTree
    after: ManifestTree
    rows: tuple[StoredRecord, ...]
    state: tuple[dict[str, Any], bytes]
    at: float


def all_secrets(prepared: PreparedScenario) -> set[str]:
    """Return every secret of a scenario, decrypted."""
    trees = (prepared.before, prepared.after)
    found = (value for tree in trees for each in tree.desired for value in each.secrets.values())
    return {value.reveal() for value in found}


@dataclass(frozen=True, slots=True)
class ManifestCache:
    """Loaded manifests, decrypted manifests and fingerprint keys, by root of the project."""

    loaded: dict[Path, LoadedManifests] = field(default_factory=dict)
    opened: dict[tuple[Path, Address], DesiredResource] = field(default_factory=dict)
    keys: dict[Path, bytes] = field(default_factory=dict)

    def add_tree(self, like: ManifestTree, number: int, desired: tuple[DesiredResource, ...]) -> ManifestTree:
        """Return a tree that exists only in memory."""
        project = replace(like.project, root=like.project.root.parent / f"invented-{number}")
        self.loaded[project.root] = LoadedManifests(desired=tuple(map(_sealed, desired)))
        self.opened.update({(project.root, each.address): each for each in desired})
        self.keys[project.root] = bytes(32)
        return ManifestTree(project=project, desired=desired, commit="")


def _sealed(desired: DesiredResource) -> DesiredResource:
    return replace(
        desired,
        secrets={path: EncryptedSecret(digest) for path, digest in desired.ciphertext_digests.items()},
    )


@contextmanager
def cached_manifests(base: Path) -> Iterator[ManifestCache]:  # noqa: C901  # three stand-ins side by side
    """Load and decrypt each tree below ``base`` once.

    Other trees are not cached, because other tests of the process change their files.
    """
    manifest_cache = ManifestCache()
    load, unseal, key = (
        secret_loader.load_manifests,
        secret_loader.decrypt_manifests,
        secret_loader.read_root_key,
    )

    def load_once(project: Project, workspace: Any, **options: Any) -> LoadedManifests:
        if not project.root.is_relative_to(base):
            return load(project, workspace, **options)
        if project.root not in manifest_cache.loaded:
            manifest_cache.loaded[project.root] = load(project, workspace, **options)
        return manifest_cache.loaded[project.root]

    def unseal_once(
        desired: tuple[DesiredResource, ...], project: Project, environment: Any
    ) -> tuple[DesiredResource, ...]:
        if not project.root.is_relative_to(base):
            return unseal(desired, project, environment)
        for each in desired:
            mark = (project.root, each.address)
            if mark not in manifest_cache.opened:
                (manifest_cache.opened[mark],) = unseal((each,), project, environment)
        return tuple(manifest_cache.opened[project.root, each.address] for each in desired)

    def key_once(project: Project, *context: Any) -> bytes:
        if not project.root.is_relative_to(base):
            return key(project, *context)
        if project.root not in manifest_cache.keys:
            manifest_cache.keys[project.root] = key(project, *context)
        return manifest_cache.keys[project.root]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secret_loader, "load_manifests", load_once)
        patch.setattr(secret_loader, "decrypt_manifests", unseal_once)
        patch.setattr(secret_loader, "read_root_key", key_once)
        yield manifest_cache
