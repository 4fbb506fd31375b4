"""The environment of git."""

from keyturn.git.revision import GIT_COMMAND, build_git_environment


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


def test_disables_the_file_system_monitor():
    """The settings of a repository can name a program as monitor."""
    assert GIT_COMMAND[-2:] == ("-c", "core.fsmonitor=false")
