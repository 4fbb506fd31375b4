"""The fleet of the benchmarks is what sops would have written, and what keyturn takes without a word."""

import json
import subprocess

import fleet
import pytest


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a repository with two pairs of each kind."""
    return fleet.write(tmp_path_factory.mktemp("fleet") / "repository", 24)


def test_sops_opens_it(small, sops, monkeypatch):
    """The real sops decrypts every encrypted file of a fleet, MAC and all."""
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(small.key))
    encrypted = [path for path in small.manifests if path.parent.name == "credentials"]
    for path in [*encrypted, small.root / ".keyturn/fingerprint.yaml"]:
        words = [sops, "--config", "/dev/null", "decrypt", "--output-type", "json", path]
        ended = subprocess.run(words, capture_output=True, check=True)
        secrets = json.loads(ended.stdout)["secrets"]
        assert not any(value.startswith("ENC[") for value in secrets.values())
    assert len(encrypted) == 12


def test_keyturn_finds_nothing(small, run):
    """A fleet is valid: schemas, references, SOPS structure, policy."""
    ended = run("validate", "--strict", cwd=small.root)
    assert (ended.code, ended.stdout) == (0, "24 files checked: nothing found.\n")


def test_every_resource_is_another(small):
    """Names do not repeat, and half of the manifests are credentials."""
    assert len({path.name for path in small.manifests}) == 12
    assert len(set(small.manifests)) == 24


def test_all_kinds_of_credentials_are_in_it(small):
    """A fleet is mixed: six pairs of a credential and a connection, and references beside."""
    texts = [path.read_text() for path in small.manifests]
    types = {line for text in texts for line in text.splitlines() if line.startswith("type: ")}
    assert len(types) == 11
    assert any("ref: credential/" in text for text in texts)
