"""The environment of git."""

from keyturn.git.process import build_git_command, build_git_environment, find_work_tree


def test_passes_only_the_settings_of_git():
    """No key is passed, and no variable that redirects git or starts a program."""
    given = {
        "PATH": "/bin",
        "HOME": "/h",
        "GIT_CONFIG_COUNT": "0",
        "GIT_DIR": "/x",
        "GIT_SSH_COMMAND": "x",
        "GIT_PAGER": "x",
        "SOPS_AGE_KEY": "k",
        "LC_ALL": "de_DE",
    }
    found = build_git_environment(given)
    assert {key for key in given if found.get(key) == given[key]} == {"PATH", "HOME", "GIT_CONFIG_COUNT"}
    assert found["LC_ALL"] == "C"
    assert found["GIT_ALLOW_PROTOCOL"] == ""


def test_disables_the_file_system_monitor(tmp_path):
    """The settings of a repository can name a program as monitor."""
    assert "core.fsmonitor=false" in build_git_command(tmp_path)


def test_names_the_nearest_repository(tmp_path):
    """The folder or file .git decides; a folder with the content of a bare repository does not."""
    project = tmp_path / "top/project"
    (project / "objects").mkdir(parents=True)
    (project / "refs").mkdir()
    (project / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "top/.git").write_text("gitdir: elsewhere\n")
    assert find_work_tree(project) == tmp_path / "top"
    assert build_git_command(project)[-2:] == (
        f"--git-dir={tmp_path / 'top/.git'}",
        f"--work-tree={tmp_path / 'top'}",
    )


def test_names_no_repository_without_one(tmp_path):
    """The command names a repository that does not exist, so git fails."""
    assert find_work_tree(tmp_path) is None
    assert f"--git-dir={tmp_path / '.git'}" in build_git_command(tmp_path)
