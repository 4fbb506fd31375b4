"""The examples validate, plan and apply."""

import shutil

import pytest
import yaml

from sources import ROOT

EXAMPLES = ROOT / "examples/repo"


@pytest.mark.parametrize("setup", [{"accept_unknown_type": True}], indirect=True, ids=["any connector"])
def test_the_examples_become_a_workspace(setup, canary):
    """One manifest for every variant, encrypted with the published test key, applied; then no changes."""
    repo = setup.repo
    shutil.rmtree(repo.root)
    shutil.copytree(EXAMPLES, repo.root)
    project = yaml.safe_load((repo.root / "keyturn.yaml").read_text())
    (name,) = project["workspaces"]
    project["workspaces"][name] |= {
        "base_url": setup.service.base_url,
        "organization": setup.service.organization,
        "put": "partial",
    }
    (repo.root / "keyturn.yaml").write_text(yaml.safe_dump(project))
    # What is kept is there before git is: somebody made it, and its password is in no file.
    kept = yaml.safe_load((repo.root / "manifests/prod/credentials/prod-oracle-kept.yaml").read_text())
    service_has = {**kept["config"], "password": canary()}
    setup.service.seed_objects(
        credentials=[{"name": kept["name"], "type": kept["type"], "config": service_has}]
    )
    (key,) = _keys(repo.root)
    canary.allow(repo.root, "the examples' key is published")
    env = repo.environment(SOPS_AGE_KEY_FILE=str(key))
    assert repo.run_in_process("validate", env=env).code == 0
    agreed = ("--adopt", kept["name"], "--allow-destination-change", kept["name"])
    done = repo.run_in_process("apply", "--auto-approve", "--no-test", *agreed, env=env)
    assert done.code == 0, done.stdout[-3000:] + done.stderr
    left = repo.run_in_process("plan", "--detailed-exitcode", env=env)
    assert left.code == 0, left.stdout[-3000:]


def _keys(root):
    """Return the files that hold an age key."""
    files = (path for path in root.rglob("*") if path.is_file())
    return tuple(path for path in files if "AGE-SECRET-KEY" in path.read_text(errors="ignore"))
