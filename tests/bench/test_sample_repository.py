"""The sample repository is valid: sops decrypts it and keyturn accepts it."""

import json
import subprocess

import pytest
import sample_repository


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Return a repository with two pairs of each type."""
    folder = tmp_path_factory.mktemp("sample") / "repository"
    return sample_repository.write_repository(folder, 24)


def test_sops_decrypts_it(repository, sops, monkeypatch):
    """The real sops decrypts every encrypted file and accepts its MAC."""
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(repository.age_key_file))
    encrypted = [path for path in repository.manifests if path.parent.name == "credentials"]
    for path in [*encrypted, repository.root / ".keyturn/fingerprint.yaml"]:
        argv = [sops, "--config", "/dev/null", "decrypt", "--output-type", "json", path]
        completed = subprocess.run(argv, capture_output=True, check=True)
        secrets = json.loads(completed.stdout)["secrets"]
        assert not any(value.startswith("ENC[") for value in secrets.values())
    assert len(encrypted) == 12


def test_keyturn_finds_no_problem(repository, run):
    """Schemas, references, SOPS structure and policy are satisfied."""
    result = run("validate", "--strict", cwd=repository.root, env=repository.environment)
    assert (result.code, result.stdout) == (0, "24 files checked, no problems found.\n")


def test_resources_are_distinct(repository):
    """Names are unique, and half of the manifests are credentials."""
    assert len({path.name for path in repository.manifests}) == 12
    assert len(set(repository.manifests)) == 24


def test_all_types_occur(repository):
    """Six pairs of a credential and a connection type, and references to further credentials."""
    texts = [path.read_text() for path in repository.manifests]
    types = {line for text in texts for line in text.splitlines() if line.startswith("type: ")}
    assert len(types) == 11
    assert any("ref: credential/" in text for text in texts)
