"""Manifests that git holds and the work tree lacks, and manifests of other repositories."""

import os
import shutil
import subprocess

import pytest

from keyturn.git.revision import Revision
from keyturn.git.work_tree import check_work_tree, find_present_files
from keyturn.model.diagnostic import DiagnosticError

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def git(folder, *words):
    """Run git and return its output."""
    words = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *words]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def make_repository(folder, *files):
    """Make a repository with these files."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"name: {name}\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


@pytest.fixture
def project(tmp_path):
    """Return a project in a folder of a repository."""
    make_repository(tmp_path / "top", "infra/m/prod/a.yaml", "infra/m/staging/b.yaml", "infra/readme.yaml")
    return tmp_path / "top/infra"


@pytest.fixture
def shared(project, tmp_path):
    """Return a project with a submodule below a folder of manifests."""
    make_repository(tmp_path / "shared", "prod/s.yaml", "deep/t.yaml", ".hidden/u.yaml")
    git(project, "submodule", "add", "-q", f"file://{tmp_path / 'shared'}", "m/prod/shared")
    git(project, "commit", "-qm", "submodule")
    return project


def check(project, folders=("m/prod",), files=()):
    """Return code, file and message of each error."""
    found = check_work_tree(project, folders, files, ENVIRONMENT)
    return [(each.code, each.origin.file, each.message) for each in found]


def test_a_complete_work_tree_has_no_errors(project, tmp_path):
    """A deleted or moved file is no error, and neither is a folder without git."""
    (project / "m/prod/a.yaml").unlink()
    assert check(project, ("m/prod", "m/staging"), ["m/staging/b.yaml"]) == []
    assert check(project, (".",)) == []
    assert check(tmp_path, ("m",)) == []


def test_files_that_a_sparse_checkout_leaves_out(project):
    """Only those of the workspace count, and only if they are not in the work tree."""
    git(project.parent, "sparse-checkout", "set", "--cone", "infra/m/staging")
    assert not (project / "m/prod/a.yaml").exists()
    ((code, file, message),) = check(project)
    assert (code, file) == ("KT127", "m/prod/a.yaml")
    assert "leaves out 1 manifest" in message
    assert check(project, ("m/staging",)) == []
    assert check(project, (".",))[0][0] == "KT127"
    (diagnostic,) = check_work_tree(project, ["m/prod"], (), ENVIRONMENT)
    assert "`git sparse-checkout add infra/m/prod`" in diagnostic.hint
    git(project.parent, "sparse-checkout", "add", "infra/m/prod")
    assert check(project) == []


def test_a_file_with_a_local_change_is_read(project):
    """`git update-index --skip-worktree` marks a file as a sparse checkout does, and the file is there."""
    git(project, "update-index", "--skip-worktree", "m/prod/a.yaml")
    assert check(project) == []
    (project / "m/prod/a.yaml").unlink()
    assert check(project)[0][0] == "KT127"


def test_files_that_are_left_out_count_as_present(project):
    """A file is gone if git has no other word on it."""
    names = ["infra/m/prod/a.yaml", "infra/m/staging/b.yaml", "infra/gone.yaml"]
    git(project.parent, "sparse-checkout", "set", "--cone", "infra/m/staging")
    assert find_present_files(project.parent, names, ENVIRONMENT) == set(names[:2])


def test_a_submodule_is_read_at_its_recorded_commit(shared):
    """The work tree and the revision have the same files; hidden folders are left out."""
    assert check(shared) == []
    found = Revision(shared, "HEAD", ENVIRONMENT).find_manifests(["m/prod"]).sources
    names = [each.relative for each in found]
    assert names == ["m/prod/a.yaml", "m/prod/shared/deep/t.yaml", "m/prod/shared/prod/s.yaml"]
    assert [(shared / name).read_bytes() for name in names] == [each.data for each in found]


def test_a_folder_inside_of_a_submodule(shared):
    """The folder of manifests is below the submodule."""
    found = Revision(shared, "HEAD", ENVIRONMENT).find_manifests(["m/prod/shared/deep"]).sources
    assert [each.relative for each in found] == ["m/prod/shared/deep/t.yaml"]
    assert check(shared, ("m/prod/shared/deep",)) == []
    shutil.rmtree(shared / "m/prod/shared")
    assert check(shared, ("m/prod/shared/deep",))[0][:2] == ("KT126", "m/prod/shared")


def test_a_submodule_that_is_not_checked_out(shared, tmp_path):
    """A clone without --recurse-submodules has an empty folder: nothing is read, and nothing is deleted."""
    git(tmp_path, "clone", "-q", f"file://{shared.parent}", "clone")
    clone = tmp_path / "clone/infra"
    ((code, file, message),) = check(clone)
    assert (code, file) == ("KT126", "m/prod/shared")
    assert "is not checked out; git records" in message
    with pytest.raises(DiagnosticError) as caught:
        Revision(clone, "HEAD", ENVIRONMENT).find_manifests(["m/prod"])
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.origin.file) == ("KT126", "m/prod/shared")
    assert "git submodule update --init" in diagnostic.hint


def test_a_submodule_at_another_commit(shared):
    """A new commit counts when git records it; the base is still read at the old one."""
    inner = shared / "m/prod/shared"
    (inner / "prod/new.yaml").write_text("name: new\n")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "new")
    ((code, _, message),) = check(shared)
    assert code == "KT126"
    assert "git records" in message
    names = [
        each.relative for each in Revision(shared, "HEAD", ENVIRONMENT).find_manifests(["m/prod"]).sources
    ]
    assert "m/prod/shared/prod/new.yaml" not in names
    git(shared, "add", "m/prod/shared")
    assert check(shared) == []


def test_a_repository_inside_of_the_repository(project):
    """Git holds nothing of it here."""
    make_repository(project / "m/prod/inner", "x.yaml")
    files = ["m/prod/a.yaml", "m/prod/inner/x.yaml"]
    ((code, file, message),) = check(project, files=files)
    assert (code, file) == ("KT126", "m/prod/inner")
    assert "git does not hold these manifests" in message
    assert check(project, files=files[:1]) == []
