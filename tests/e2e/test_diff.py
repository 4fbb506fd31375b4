"""The command ``keyturn diff``."""

import copy
import shutil

import pytest
import yaml

from published_schemas import parse_valid


@pytest.fixture
def two(setup, canary):
    """Return a setup with two workspaces whose databases differ in the host, and share the password."""
    secret = canary()
    repo = setup.repo
    for name in ("staging", "prod"):
        config = {"engine": "postgresql", "host": f"{name}.example.com", "port": 5432, "username": "svc"}
        repo.credential(f"{name}-db", {"password": secret}, config)
        repo.connection(f"{name}-pg", f"{name}-db", {"host": f"{name}.example.com", "database": "app"})
    repo.credential("prod-only", {"password": canary()})
    for path in list((repo.root / "manifests/prod").rglob("staging-*.yaml")):
        target = repo.root / "manifests/staging" / path.relative_to(repo.root / "manifests/prod")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    file = repo.root / "keyturn.yaml"
    tree = yaml.safe_load(file.read_text())
    other = copy.deepcopy(tree["workspaces"]["prod"])
    tree["workspaces"]["staging"] = {**other, "manifests": ["manifests/staging"]}
    file.write_text(yaml.safe_dump(tree))
    return setup


def test_text(two):
    """Fields, the shared secret, what is in one alone; no network."""
    done = two.repo.run_in_process("diff", "--from", "staging", "--to", "prod", "--detailed-exitcode")
    assert done.code == 2, done.stderr
    assert "config.host  staging.example.com → prod.example.com" in done.stdout
    assert "secrets.password  same secret in both" in done.stdout
    assert "+ credential/prod-only  only in prod" in done.stdout
    assert "credential  " not in done.stdout
    assert two.service.list_requests() == []


def test_json_without_keys(two):
    """The rest is told, and that secrets were not compared."""
    environment = two.repo.environment()
    del environment["SOPS_AGE_KEY_FILE"]
    done = two.repo.run_in_process(
        "diff", "--from", "staging", "--to", "prod", "--format", "json", env=environment
    )
    assert done.code == 0, done.stderr
    tree = parse_valid("diff", done.stdout)
    assert tree["secrets_compared"] is False
    assert tree["summary"]["share_a_secret"] == 0
    assert "no decryption key can be used" in done.stderr


def test_a_workspace_that_is_none(two):
    """Named with those that are."""
    done = two.repo.run_in_process("diff", "--from", "stage", "--to", "prod")
    assert done.code == 1
    assert "KT005" in done.stderr
    assert two.repo.keyturn("diff", "--from", "prod", "--to", "prod").code == 64
