"""Runs the real git in a repository, and makes an environment without keys."""

import subprocess


def run_git(setup, *words, **environment):
    """Run git in the repository."""
    subprocess.run(
        [
            "git",
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "init.defaultBranch=main",
            *words,
        ],
        cwd=setup.repo.root,
        check=True,
        capture_output=True,
        env=setup.repo.environment(**environment),
    )


def commit_all(setup, **environment):
    """Commit all files."""
    run_git(setup, "init", "-q")
    run_git(setup, "add", "-A")
    run_git(setup, "commit", "-q", "--allow-empty", "-m", "x", **environment)


def make_keyless_environment(setup):
    """Return an environment that holds no key of any kind."""
    environment = setup.repo.environment()
    del environment["SOPS_AGE_KEY_FILE"], environment["PLANASONIX_API_KEY"]
    return environment
