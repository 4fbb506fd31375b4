"""A repository's history, made with the real git, and a shell without any key."""

import subprocess


def git(office, *words, **environment):
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
        cwd=office.repo.root,
        check=True,
        capture_output=True,
        env=office.repo.environment(**environment),
    )


def commit(office, **environment):
    """Commit everything."""
    git(office, "init", "-q")
    git(office, "add", "-A")
    git(office, "commit", "-q", "--allow-empty", "-m", "x", **environment)


def keyless(office):
    """Return an environment that holds no key of any kind."""
    environment = office.repo.environment()
    del environment["SOPS_AGE_KEY_FILE"], environment["PLANASONIX_API_KEY"]
    return environment
