"""The workspace of the base: under another name, in another folder, in an invalid project file."""

import pytest

from base_tree import tree

__all__ = ["tree"]


def test_a_renamed_workspace_of_the_same_organization(tree):
    """The one with the organization, although another one has more common names."""
    tree.project(prod=("org_a", "m/prod"), other=("org_b", "m/other"))
    tree.connection("m/prod/db.yaml")
    for name in ("db", "lake"):
        tree.connection(f"m/other/{name}.yaml")
    tree.commit()
    tree.project(live=("org_a", "m/live"))
    for name in ("db", "lake"):
        tree.connection(f"m/live/{name}.yaml")
    paths, notes = tree.pairs()
    assert paths == {"m/live/db.yaml": "m/prod/db.yaml", "m/live/lake.yaml": "m/other/lake.yaml"}
    assert notes == [
        "workspace live is prod of the base: it has the same organization",
        "the base has this resource in m/other/lake.yaml, outside of this workspace",
    ]


def test_a_renamed_workspace_with_the_most_common_resources(tree):
    """If its organization changed, too."""
    tree.project(prod=("org_a", "m/prod"), other=("org_b", "m/other"))
    tree.connection("m/other/db.yaml")
    for name in ("db", "lake"):
        tree.connection(f"m/prod/{name}.yaml")
    tree.commit()
    tree.project(live=("org_c", "m/live"))
    for name in ("db", "lake"):
        tree.connection(f"m/live/{name}.yaml")
    paths, notes = tree.pairs()
    assert set(paths.values()) == {"m/prod/db.yaml", "m/prod/lake.yaml"}
    assert notes == ["workspace live is prod of the base: it has the most common resources"]


def test_a_new_workspace_beside_the_old_ones_is_new(tree):
    """A file of the same name that is still in its workspace is another resource."""
    tree.project(prod=("org_a", "m/prod"))
    tree.connection("m/prod/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m/prod"), lab=("org_b", "m/lab"))
    tree.connection("m/prod/db.yaml")
    tree.connection("m/lab/db.yaml")
    paths, notes = tree.pairs("lab")
    assert paths == {}
    assert notes == ["the base has no such workspace: the plan compares all resources as new"]
    assert tree.pairs("prod") == ({"m/prod/db.yaml": "m/prod/db.yaml"}, [])


@pytest.mark.parametrize(("before", "after"), [(".", "infra/access"), ("infra/access", ".")])
def test_a_project_that_moves(tree, before, after):
    """Deeper into the repository, or to its top."""
    tree.project(folder=before, prod=("org_a", "m"))
    tree.connection(f"{before}/m/db.yaml")
    tree.project(folder="elsewhere", prod=("org_z", "m"))
    tree.connection("elsewhere/m/db.yaml")
    tree.commit()
    tree.project(folder=after, prod=("org_a", "m"))
    tree.connection(f"{after}/m/db.yaml")
    tree.project(folder="elsewhere", prod=("org_z", "m"))
    found = tree.find(folder=after)
    assert found.workspace.revision.folder == before
    assert list(found.successors.values()) == ["m/db.yaml"]
    place = "keyturn.yaml" if before == "." else f"{before}/keyturn.yaml"
    assert [each.message for each in found.notes] == [f"the base has this workspace in {place}"]


@pytest.mark.parametrize("damage", ["ledger: x\n", "policy: {limits: 7}\n", "policy: [\n"])
def test_a_base_with_an_invalid_project_file(tree, damage):
    """Its folders count as far as they can be read; a syntax error leaves the names of files."""
    tree.project(prod=("org_a", "m/old"))
    path = tree.root / "keyturn.yaml"
    path.write_text(path.read_text() + damage)
    tree.connection("m/old/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m/new"))
    tree.connection("m/new/db.yaml")
    found = tree.find()
    assert found.workspace.is_invalid
    assert list(found.successors.values()) == ["m/new/db.yaml"]
    assert "keyturn.yaml of the base is invalid: its policy was not compared" in tree.pairs()[1]


@pytest.mark.parametrize("folder", ["../outside", "/etc", 7, ""])
def test_no_folder_of_the_base_leads_out(tree, folder):
    """The keyturn.yaml of the base is not checked by the schema."""
    tree.project(prod=("org_a", folder))
    tree.connection("m/db.yaml")
    tree.commit()
    tree.project(prod=("org_a", "m"))
    tree.connection("m/db.yaml")
    assert tree.pairs()[0] == {"m/db.yaml": "m/db.yaml"}
