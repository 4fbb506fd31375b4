"""The tools, key files and hooks that doctor finds."""

import pytest

from keyturn.operations.doctor.local_checks import (
    find_hook_file,
    find_key_files,
    find_sops_binaries,
    is_hook_installed,
    is_readable_by_others,
)


def program(folder, name="sops"):
    """Create a program in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    return folder / name


def test_every_sops_on_the_path_is_found_in_its_order(tmp_path):
    """A link to a found one, a folder and a file that cannot be executed do not count."""
    one, two = program(tmp_path / "a"), program(tmp_path / "b")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/sops").symlink_to(one)
    (tmp_path / "d/sops").mkdir(parents=True)
    (tmp_path / "e").mkdir()
    (tmp_path / "e/sops").write_text("no program")
    path = ":".join(str(tmp_path / name) for name in "badceb")
    assert find_sops_binaries({"PATH": path}) == (two, one)
    assert find_sops_binaries({"PATH": str(tmp_path / "d")}) == ()


def test_key_files_are_those_that_sops_reads(tmp_path):
    """The file of the variable, then the one in the configuration folder, if they exist."""
    named, usual = tmp_path / "key.txt", tmp_path / "home/.config/sops/age/keys.txt"
    environment = {"SOPS_AGE_KEY_FILE": str(named), "HOME": str(tmp_path / "home")}
    assert list(find_key_files(environment)) == []
    named.write_text("x")
    usual.parent.mkdir(parents=True)
    usual.write_text("x")
    assert list(find_key_files(environment)) == [named, usual]
    assert list(find_key_files({})) == []


@pytest.mark.parametrize(("mode", "others"), [(0o600, False), (0o640, True), (0o604, True), (0o400, False)])
def test_a_file_that_others_may_read_is_found(tmp_path, mode, others):
    """Read permission of the group or of all users."""
    file = tmp_path / "key"
    file.write_text("x")
    file.chmod(mode)
    assert is_readable_by_others(file) is others
    assert is_readable_by_others(tmp_path / "none") is False


def test_hooks(tmp_path):
    """Configured in a file, and installed in the clone."""
    assert find_hook_file(tmp_path) == ""
    (tmp_path / ".pre-commit-config.yaml").write_text("repos: []\n")
    assert find_hook_file(tmp_path) == ""
    (tmp_path / "lefthook.yml").write_text("run: keyturn validate\n")
    assert find_hook_file(tmp_path) == "lefthook.yml"
    assert is_hook_installed(tmp_path) is None
    (tmp_path / ".git/hooks").mkdir(parents=True)
    assert is_hook_installed(tmp_path) is False
    program(tmp_path / ".git/hooks", "pre-commit")
    assert is_hook_installed(tmp_path) is True
