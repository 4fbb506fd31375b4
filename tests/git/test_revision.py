"""Files of a revision."""

import os
import shutil
import subprocess

import pytest

from keyturn.files.discovery import find_manifests
from keyturn.git.revision import Revision
from keyturn.model.diagnostic import DiagnosticError


@pytest.fixture
def root(tmp_path):
    """Return a project in a folder of a repository, with one commit."""
    folder = tmp_path / "repository/project"
    (folder / "m/deep").mkdir(parents=True)
    (folder / "m/a.yaml").write_text("a: 1\n")
    (folder / "m/deep/b.yml").write_text("b: 1\n")
    (folder / "m/.hidden.yaml").write_text("x: 1\n")
    (folder / ".sops.yaml").write_text("rules: 1\n")
    (folder / "m/link.yaml").symlink_to("a.yaml")
    (folder.parent / "outside.yaml").write_text("o: 1\n")
    git(folder.parent, "init", "-q", "-b", "main")
    git(folder.parent, "add", "-A")
    git(folder.parent, "commit", "-q", "-m", "first")
    return folder


def git(folder, *arguments):
    """Run git."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def codes(act):
    """Return the codes of the diagnostics that a call raises."""
    with pytest.raises(DiagnosticError) as caught:
        act()
    return [finding.code for finding in caught.value.diagnostics]


def test_reads_committed_files(root):
    """Changes of the working tree are ignored; the digest is that of the committed bytes."""
    before = find_manifests(root, ["m/deep"]).sources
    (root / "m/deep/b.yml").write_text("changed: 1\n")
    (root / "m/deep/new.yaml").write_text("new: 1\n")
    found = Revision(root, "HEAD", os.environ).find_manifests(["m/deep"])
    assert found.sources == before
    assert found.diagnostics == ()


def test_rejects_a_committed_symlink(root):
    """Mode 120000 is not a manifest."""
    found = Revision(root, "main", os.environ).find_manifests(["m"])
    assert [source.relative for source in found.sources] == ["m/a.yaml", "m/deep/b.yml"]
    assert [(finding.code, finding.origin.file) for finding in found.diagnostics] == [
        ("KT120", "m/link.yaml")
    ]


def test_reads_single_files_of_any_name(root):
    """The project file and the rules of sops are read although one is hidden."""
    commit = Revision(root, "HEAD", os.environ)
    assert commit.read_file(".sops.yaml").data == b"rules: 1\n"
    assert commit.commit == git(root, "rev-parse", "HEAD").strip()
    assert codes(lambda: commit.read_file("keyturn.yaml")) == ["KT007"]
    assert codes(lambda: commit.read_file("m/link.yaml")) == ["KT120"]


@pytest.mark.parametrize(
    "name", ["nowhere", "", "--help", "-x", "HEAD~5", "main:m/a.yaml", "a\nb", "HEAD --"]
)
def test_rejects_unknown_revisions(root, name):
    """No name is used as an option."""
    assert codes(lambda: Revision(root, name, os.environ)) == ["KT007"]


def test_explains_how_to_fetch_in_a_shallow_clone(root, tmp_path):
    """CI clones have one commit."""
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{root.parent}", "clone")
    with pytest.raises(DiagnosticError) as caught:
        Revision(tmp_path / "clone/project", "HEAD~1", os.environ)
    assert "--unshallow" in caught.value.diagnostics[0].hint


def test_glob_characters_in_folders_are_literal(root):
    """A folder with a star in its name matches no other folder."""
    assert Revision(root, "HEAD", os.environ).find_manifests(["m*", ":(top)", "*"]).sources == ()


@pytest.mark.parametrize("folder", ["..", "../", "m/../../x", "/etc"])
def test_lists_nothing_outside_of_the_root(root, folder):
    """A folder above the project is rejected."""
    assert codes(lambda: Revision(root, "HEAD", os.environ).find_manifests([folder])) == ["KT121"]
    assert len(Revision(root, "HEAD", os.environ).find_manifests(["./m/deep/"]).sources) == 1


def test_reports_a_missing_repository(tmp_path):
    """Without a repository there is no revision."""
    assert codes(lambda: Revision(tmp_path, "HEAD", {"PATH": os.defpath})) == ["KT007"]
    assert codes(lambda: Revision(tmp_path / "gone", "HEAD", {})) == ["KT007"]


def test_committed_files_are_no_repository(root, tmp_path):
    """A branch can add the files of a bare repository, with another main, to the folder of the project."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    (other / "project.yaml").write_text("address: elsewhere\n")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "other")
    shutil.copytree(other / ".git", root, dirs_exist_ok=True)
    found = Revision(root, "main", os.environ)
    assert found.commit == git(root.parent, "rev-parse", "main").strip()
    assert found.read_file(".sops.yaml").data == b"rules: 1\n"


def test_a_revision_of_a_worktree(root, tmp_path):
    """Its .git is a file."""
    git(root, "worktree", "add", "-q", tmp_path / "second", "-b", "second")
    found = Revision(tmp_path / "second/project", "second", os.environ)
    assert found.read_file(".sops.yaml").data == b"rules: 1\n"


def test_passes_a_minimal_environment(root, tmp_path):
    """No key is passed, and no variable that redirects git or runs a program."""
    (tmp_path / "bin").mkdir()
    seen = tmp_path / "seen"
    script = tmp_path / "bin/git"
    script.write_text(f"#!/bin/sh\nenv | cut -d= -f1 > {seen}\necho 0\n")
    script.chmod(0o700)
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.defpath}",
        "GIT_DIR": "/x",
        "GIT_EXTERNAL_DIFF": "x",
        "SOPS_AGE_KEY": "k",
        "HOME": "/h",
    }
    Revision(root, "HEAD", environment)
    assert set(seen.read_text().split()) - {"PWD", "_", "SHLVL", "OLDPWD"} == {
        "PATH", "HOME", "LC_ALL", "GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS", "GIT_NO_LAZY_FETCH",
        "GIT_NO_REPLACE_OBJECTS", "GIT_ALLOW_PROTOCOL",
    }  # fmt: skip


def test_filters_and_hooks_are_not_run(root, tmp_path):
    """The attributes of a repository do not affect what is read."""
    ran = tmp_path / "ran"
    (root / ".gitattributes").write_text("*.yaml filter=evil diff=evil\n")
    git(root, "config", "filter.evil.smudge", f"touch {ran}")
    git(root, "config", "diff.evil.textconv", f"touch {ran}")
    git(root, "config", "core.fsmonitor", f"touch {ran}")
    Revision(root, "HEAD", os.environ).find_manifests(["m"])
    assert not ran.exists()
