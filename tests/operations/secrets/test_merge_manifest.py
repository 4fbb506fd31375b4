"""Merging versions of a manifest."""

import pytest

from keyturn.operations.secrets.merge_manifest import MergeVersions, merge_manifest
from sops_files import make_key_environment, run_sops

FILE = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def base(setup, canary):
    """Return the encrypted base."""
    return setup.repo.credential("prod-db", {"password": canary(), "private_key": "k"}).read_bytes()


def change(setup, data, *words):
    """Return a version after a command of sops."""
    path = setup.repo.root / "version.yaml"
    path.write_bytes(data)
    run_sops(words[0], *words[1:-1], str(path), words[-1], env=make_key_environment(setup.repo.age))
    changed = path.read_bytes()
    path.unlink()
    return changed


def test_a_deleted_secret_stays_deleted(setup, base):
    """And the plain change of the other side is taken."""
    ours = change(setup, base, "unset", '["secrets"]["private_key"]')
    merged = merge_manifest(
        setup.repo.root, setup.repo.root / FILE, MergeVersions(base, base, ours), setup.repo.environment()
    )
    assert merged.conflicts == ()
    assert "private_key" not in merged.text


def test_no_file_is_written(setup, base):
    """Neither the manifest nor a temporary file."""
    before = {path: path.read_bytes() for path in setup.repo.root.rglob("*") if path.is_file()}
    theirs = change(setup, base, "unset", '["secrets"]["private_key"]')
    versions = MergeVersions(base, base, theirs)
    merge_manifest(setup.repo.root, setup.repo.root / FILE, versions, setup.repo.environment())
    assert {path: path.read_bytes() for path in setup.repo.root.rglob("*") if path.is_file()} == before


def test_outside_of_a_project_texts_are_merged(tmp_path, setup):
    """The reason is a conflict, so that nothing passes unseen."""
    versions = MergeVersions(b"a: 1\n", b"a: 1\n", b"a: 2\n")
    merged = merge_manifest(tmp_path, tmp_path / "x.yaml", versions, setup.repo.environment())
    assert merged.text == "a: 2\n"
    assert any("keyturn.yaml" in each for each in merged.conflicts)
