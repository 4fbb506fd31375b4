"""The manifests compared with a base revision."""

import subprocess

import pyrage
import pytest

from keyturn.git.base_commit import find_base_commit
from keyturn.manifests.loader import load_manifests
from keyturn.model.diagnostic import DiagnosticError, Severity
from keyturn.operations.plan.offline_plan import (
    access_changes,
    access_changes_since,
    compare_with_base,
)
from keyturn.project.project import read_project


def git(setup, *words):
    """Run git in the repository."""
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=setup.repo.root,
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()


@pytest.fixture
def committed(setup, canary):
    """Return a repository with committed manifests, and its service."""
    setup.repo.credential("prod-db", {"password": canary()})
    git(setup, "init", "-q")
    git(setup, "add", "-A")
    git(setup, "commit", "-qm", "x")
    return setup


def compared(setup, base="HEAD"):
    """Compare the manifests with a revision."""
    project = read_project(setup.repo.root)
    workspace = project.find_workspace("")
    return compare_with_base(
        project,
        workspace,
        load_manifests(project, workspace),
        find_base_commit(project.root, base, setup.repo.environment()).revision,
        setup.repo.environment(),
    )


def test_an_unchanged_tree(committed):
    """Both sides have the same resources, and access did not change."""
    comparison = compared(committed)
    assert set(comparison.inputs.desired) == set(comparison.inputs.entries)
    assert comparison.access == ()


def test_settings_are_compared_too(committed):
    """keyturn.yaml and the creation rules of sops."""
    committed.repo.project(policy={"limits": {"retire": {"count": 99, "percent": 100}}})
    (committed.repo.root / ".sops.yaml").write_text("creation_rules: []\n")
    assert [each.origin.file for each in compared(committed).access] == ["keyturn.yaml", ".sops.yaml"]


def test_settings_of_an_invalid_base_count_as_changed(setup, canary):
    """With `ledger:` of keyturn 0.1 at the base, the rename cannot hide another change."""
    path = setup.repo.root / "keyturn.yaml"
    valid = path.read_text()
    path.write_text(valid.replace("    manifests:", "    ledger: file:.keyturn/prod\n    manifests:"))
    setup.repo.credential("prod-db", {"password": canary()})
    git(setup, "init", "-q")
    git(setup, "add", "-A")
    git(setup, "commit", "-qm", "x")
    path.write_text(valid)
    (found,) = compared(setup).access
    assert (found.code, found.origin.file) == ("KT483", "keyturn.yaml")
    assert "invalid at the base" in found.message


def test_a_reencrypted_file_has_no_fingerprints(committed, canary):
    """With a new data key, ciphertexts cannot be compared."""
    committed.repo.credential("prod-db", {"password": canary()})
    assert dict(compared(committed).inputs.fingerprints) == {}


def test_an_unknown_base_is_refused(committed):
    """KT007."""
    with pytest.raises(DiagnosticError) as caught:
        compared(committed, "nowhere")
    assert caught.value.diagnostics[0].code == "KT007"


FILE = "manifests/prod/credentials/prod-db.yaml"


def review(setup, base="HEAD"):
    """Return code, file and first word of each diagnostic of an access review."""
    project = read_project(setup.repo.root)
    found = access_changes(project, project.find_workspace(""), base, setup.repo.environment())
    assert base != "HEAD" or found == compared(setup).access
    return [(each.code, each.origin.file, each.message.partition(" ")[0]) for each in found]


@pytest.fixture
def shared(committed, sops):
    """Return a committed repository, and a function that runs sops on its file."""

    def run(*words):
        path = str(committed.repo.root / FILE)
        command = [str(sops), "--config", str(committed.repo.home / "rules.yaml"), *words, path]
        subprocess.run(command, check=True, capture_output=True, env=committed.repo.environment())

    return committed, run


def rules(setup, *recipients):
    """Set the recipients of new files."""
    (setup.repo.home / "rules.yaml").write_text(f"creation_rules:\n  - age: {','.join(recipients)}\n")


@pytest.fixture
def other():
    """Return the public key of a second person."""
    return str(pyrage.x25519.Identity.generate().to_public())


def test_unchanged_access_has_no_diagnostics(committed):
    """In an unchanged tree, and without git."""
    assert review(committed) == []
    project = read_project(committed.repo.root)
    nowhere = {"PATH": "/nonexistent"}
    assert access_changes(project, project.find_workspace(""), "", nowhere) == ()


def test_updatekeys_adds_a_recipient(shared, other):
    """The data key is encrypted for one more recipient; no secret changes."""
    setup, run = shared
    rules(setup, setup.repo.age.recipient, other)
    run("updatekeys", "--yes")
    assert review(setup) == [("KT480", FILE, f"age:{other}"), ("KT484", FILE, "the")]
    inputs = compared(setup).inputs
    fingerprints = {address: each.fingerprints for address, each in inputs.entries.items()}
    assert fingerprints == dict(inputs.fingerprints)


def test_a_removed_recipient_has_the_data_key_until_it_is_rotated(shared, other):
    """`sops updatekeys` keeps the data key, `sops rotate` replaces it."""
    setup, run = shared
    rules(setup, setup.repo.age.recipient, other)
    run("updatekeys", "--yes")
    git(setup, "commit", "-qam", "x")
    rules(setup, setup.repo.age.recipient)
    run("updatekeys", "--yes")
    assert review(setup) == [("KT481", FILE, f"age:{other}"), ("KT484", FILE, "the")]
    run("rotate", "--in-place")
    assert review(setup) == [("KT482", FILE, f"age:{other}")]


def test_new_removed_and_renamed_files(shared, other, canary):
    """Only recipients that could decrypt no file before count as added."""
    setup, run = shared
    setup.repo.credential("prod-new", {"password": canary()})
    setup.repo.remove("prod-db")
    assert review(setup) == []
    assert {str(address) for address in compared(setup).inputs.entries} == {"credential/prod-db"}
    git(setup, "checkout", "-q", "--", FILE)
    rules(setup, setup.repo.age.recipient)
    run("rotate", "--in-place", "--add-age", other)
    renamed = setup.repo.root / FILE.replace("prod-db", "prod-other")
    (setup.repo.root / FILE).rename(renamed)
    assert review(setup) == [("KT480", str(renamed.relative_to(setup.repo.root)), f"age:{other}")]


def test_a_shallow_clone_is_a_note(committed, tmp_path):
    """Without the fork point of the branch, access is not reviewed."""
    git(committed, "checkout", "-q", "-b", "change")
    git(committed, "commit", "-q", "--allow-empty", "-m", "y")
    git(committed, "checkout", "-q", "main")
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", "--branch", "change", f"file://{committed.repo.root}", clone],
        check=True,
        capture_output=True,
    )
    project = read_project(clone)
    (line,) = access_changes(project, project.find_workspace(""), "", committed.repo.environment())
    assert (line.code, line.severity.name) == ("KT485", "NOTE")
    assert "shallow" in line.message
    assert "fetch-depth: 0" in line.hint
    with pytest.raises(DiagnosticError):
        access_changes(project, project.find_workspace(""), "nowhere", committed.repo.environment())


def test_a_missing_commit_is_a_note(committed):
    """A clone without history is no error."""
    project = read_project(committed.repo.root)
    environment = committed.repo.environment()
    here = git(committed, "rev-parse", "HEAD")
    assert access_changes_since(project, project.find_workspace(""), here, environment) == ()
    (note,) = access_changes_since(project, project.find_workspace(""), "0" * 40, environment)
    assert (note.code, note.severity) == ("KT485", Severity.NOTE)
