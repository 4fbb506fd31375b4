"""The tree compared with a base revision."""

import subprocess

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.engine.comparing import base_of, compare
from keyturn.load.desired import load
from keyturn.load.project import read_project


def git(office, *words):
    """Run git in the repository."""
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=office.repo.root,
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()


@pytest.fixture
def committed(office, canary):
    """Return an office whose state is committed."""
    office.repo.credential("prod-db", {"password": canary()})
    git(office, "init", "-q")
    git(office, "add", "-A")
    git(office, "commit", "-qm", "x")
    return office


def compared(office, base="HEAD"):
    """Compare the tree with a revision."""
    project = read_project(office.repo.root)
    workspace = project.workspace("")
    return compare(
        project, workspace, load(project, workspace), base_of(project, base, office.repo.environment())
    )


def test_an_untouched_tree(committed):
    """Both sides are there, nobody gained access."""
    found = compared(committed)
    assert found.commit == git(committed, "rev-parse", "HEAD")
    assert set(found.sides.desired) == set(found.sides.known)
    assert found.access == ()


def test_settings_are_compared_too(committed):
    """keyturn.yaml and the rules of sops."""
    committed.repo.project(policy={"limits": {"retire": {"count": 99, "percent": 100}}})
    (committed.repo.root / ".sops.yaml").write_text("creation_rules: []\n")
    assert [each.origin.file for each in compared(committed).access] == ["keyturn.yaml", ".sops.yaml"]


def test_a_file_that_was_encrypted_anew_tells_nothing(committed, canary):
    """Another data key: no fingerprint to compare."""
    committed.repo.credential("prod-db", {"password": canary()})
    assert dict(compared(committed).sides.prints) == {}


def test_a_base_that_is_not_there(committed):
    """Said with what to do."""
    with pytest.raises(Faulty) as caught:
        compared(committed, "nowhere")
    assert caught.value.findings[0].code == "KT007"
