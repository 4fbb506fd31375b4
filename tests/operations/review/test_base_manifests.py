"""The manifests of the base: followed by kind and name, over folders and workspaces."""

from base_tree import git, tree

__all__ = ["tree"]


def test_a_folder_that_goes_to_another_workspace(tree):
    """Only keyturn.yaml changes, so the files are at their paths."""
    tree.project(prod=("org_a", "m/prod"))
    tree.connection("m/prod/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m/empty"), lab=("org_b", "m/prod"))
    tree.connection("m/prod/db.yaml")
    tree.connection("m/empty/more.yaml")
    paths, notes = tree.pairs("lab")
    assert paths == {"m/prod/db.yaml": "m/prod/db.yaml"}
    assert "outside of this workspace" in notes[0]


def test_a_resource_that_moves_between_workspaces(tree):
    """And gets another name, by moved_from."""
    tree.project(prod=("org_a", "m/prod"), lab=("org_b", "m/lab"))
    for path in ("m/prod/db.yaml", "m/prod/lake.yaml", "m/lab/mail.yaml"):
        tree.connection(path)
    tree.commit()
    tree.project(prod=("org_a", "m/prod"), lab=("org_b", "m/lab"))
    tree.connection("m/prod/db.yaml")
    tree.connection("m/lab/mail.yaml")
    tree.connection("m/lab/pond.yaml", "moved_from: lake\n")
    paths, _ = tree.pairs("lab")
    assert paths == {"m/lab/mail.yaml": "m/lab/mail.yaml", "m/lab/pond.yaml": "m/prod/lake.yaml"}


def test_a_base_without_a_project_file(tree):
    """Manifests are found by kind and name; without any, all resources are new."""
    tree.connection("m/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m"))
    tree.connection("m/db.yaml")
    tree.connection("m/new.yaml")
    paths, notes = tree.pairs()
    assert paths == {"m/db.yaml": "m/db.yaml"}
    assert notes[-1] == "the base has no keyturn.yaml: the plan compares 1 of 2 resources as new"
    (tree.root / "m/db.yaml").unlink()
    assert tree.pairs()[1] == ["the base has no keyturn.yaml: the plan compares all resources as new"]


def test_files_that_a_sparse_checkout_leaves_out_are_not_gone(tree):
    """A file of another workspace with the same name is not followed."""
    tree.project(prod=("org_a", "m/prod"), lab=("org_b", "m/lab"))
    tree.connection("m/prod/db.yaml")
    tree.connection("m/lab/mail.yaml")
    tree.commit()
    git(tree.root, "reset", "-q", "--hard")
    git(tree.root, "sparse-checkout", "set", "--cone", "m/lab")
    tree.connection("m/lab/db.yaml")
    assert tree.pairs("lab")[0] == {"m/lab/mail.yaml": "m/lab/mail.yaml"}
