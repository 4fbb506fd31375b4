"""How git is run."""

from keyturn.git.revision import GIT_COMMAND, build_git_environment


def test_little_is_passed_on():
    """Neither keys nor what leads git elsewhere or starts a program."""
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


def test_the_watcher_of_a_repository_is_not_asked():
    """It is a program that the repository's settings name."""
    assert GIT_COMMAND[-2:] == ("-c", "core.fsmonitor=false")
