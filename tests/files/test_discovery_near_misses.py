"""Files in a folder of manifests that are named like manifests and are not read."""

import pytest

from keyturn.files.discovery import find_manifests, is_within


@pytest.mark.parametrize(
    "name",
    [
        "db.YAML",
        "other.Yml",
        "other.json",
        "db.yaml.dec",
        "db.yaml~",
        "db.yml.bak",
        "#db.yaml#",
        ".decrypted~db.yaml",
        ".db.yaml",
        ".db.dec",
    ],
)
@pytest.mark.parametrize("only", [(), ("m",), ("m/inner",)])
def test_a_copy_of_a_manifest_is_an_error(tmp_path, name, only):
    """Also if just its folder is selected."""
    folder = tmp_path / "m/inner"
    folder.mkdir(parents=True)
    for each in ("db.yaml", name):
        (folder / each).write_text("a: 1\n")
    found = find_manifests(tmp_path, ["m"], only)
    assert [(each.code, each.origin.file) for each in found.diagnostics] == [("KT125", f"m/inner/{name}")]
    assert [each.relative for each in found.sources] == ["m/inner/db.yaml"]


@pytest.mark.parametrize(
    "name", ["README.md", ".gitkeep", ".yamllint", ".pre-commit-config.yaml", ".keyturn-db.yaml1", "db.yamls"]
)
def test_other_files_have_no_diagnostic(tmp_path, name):
    """Neither hidden files without a manifest of that name, nor temporary files of keyturn."""
    (tmp_path / "m").mkdir()
    for each in ("db.yaml", name):
        (tmp_path / "m" / each).write_text("a: 1\n")
    assert find_manifests(tmp_path, ["m"]).diagnostics == ()


def test_a_path_is_within_its_folders():
    """The root contains each path; a common prefix of names is not a folder."""
    assert is_within("m/a.yaml", "m")
    assert is_within("m/a.yaml", "m/a.yaml")
    assert is_within("m/a.yaml", ".")
    assert not is_within("m2/a.yaml", "m")
