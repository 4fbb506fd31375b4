"""``keyturn merge-file`` as git's merge driver, through the real git and the real sops."""

import json
import subprocess

import pytest

from git_history import commit_all, make_keyless_environment, run_git
from sops_files import make_key_environment, parse_text, run_sops

FILE = "manifests/prod/credentials/prod-db.yaml"
CONFIG = {
    "engine": "postgresql",
    "database": "app",
    "host": "db.example.com",
    "port": 5432,
    "username": "svc",
}
KEY, HOST = ("secrets", "private_key"), ("config", "host")


@pytest.fixture
def ready(setup, canary):
    """Return a committed repository with the driver and a credential with two secrets."""
    setup.repo.credential("prod-db", {"private_key": canary(), "private_key_passphrase": canary()}, CONFIG)
    path = setup.repo.root / FILE
    path.write_text("# on call: data\n" + path.read_text().replace("config:\n", "# where\nconfig:\n"))
    (setup.repo.root / ".gitattributes").write_text("manifests/** merge=keyturn\n")
    commit_all(setup)
    run_git(setup, "config", "merge.keyturn.driver", "keyturn merge-file %O %A %B %P")
    return setup


def set_value(setup, path, value):
    """Set a value with the real sops and commit it."""
    index = "".join(f'["{key}"]' for key in path)
    words = ("set", "--value-stdin", str(setup.repo.root / FILE), index)
    run_sops(*words, stdin=json.dumps(value), env=make_key_environment(setup.repo.age))
    commit_all(setup)


def branch(setup, *changes):
    """Make changes on a branch of their own and return to the main one."""
    run_git(setup, "checkout", "-q", "-b", "feature")
    for path, value in changes:
        set_value(setup, path, value)
    run_git(setup, "checkout", "-q", "-")


def merge(setup, **environment):
    """Merge the branch; return the exit code and the output."""
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "merge", "--no-edit", "feature"],
        cwd=setup.repo.root,
        env=environment or setup.repo.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def opened(setup):
    """Return the merged file with its secrets in plain text."""
    done = run_sops("decrypt", str(setup.repo.root / FILE), env=make_key_environment(setup.repo.age))
    return parse_text(done).tree


def test_two_secrets_are_merged(ready, canary):
    """The MAC and the seal are good, and the layout stays."""
    mine, other = canary(), canary()
    branch(ready, (("secrets", "private_key"), mine))
    set_value(ready, ("secrets", "private_key_passphrase"), other)
    code, output = merge(ready)
    assert code == 0, output
    secrets = opened(ready)["secrets"]
    assert (secrets["private_key"], secrets["private_key_passphrase"]) == (mine, other)
    assert ready.run("validate", "--staged").code == 0
    assert "KT25" not in ready.run("plan").stderr
    text = (ready.repo.root / FILE).read_text()
    assert text.startswith("# on call: data\n")
    assert "# where\n" in text


def test_plain_values_and_comments_of_both_sides_are_merged(ready):
    """One side changes the first lines, the other the last ones."""
    branch(ready, (("config", "database"), "app2"))
    path = ready.repo.root / FILE
    path.write_text(path.read_text().replace("# on call: data", "# on call: platform"))
    commit_all(ready)
    set_value(ready, ("labels",), {"owner": "data"})
    code, output = merge(ready)
    assert code == 0, output
    tree, text = opened(ready), path.read_text()
    assert (tree["config"]["database"], tree["labels"]) == ("app2", {"owner": "data"})
    assert "# on call: platform" in text
    assert "# where" in text


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((KEY, "one-long-value"), (KEY, "other-long-value"), "both sides"),
        ((HOST, "a.example.com"), (HOST, "b.example.com"), "the same lines"),
        ((HOST, "a.example.com"), (KEY, "new-long-value"), "moved the destination"),
    ],
)
def test_contradicting_changes_stay_a_conflict(ready, ours, theirs, said):
    """The file has markers, so that no check passes."""
    branch(ready, theirs)
    set_value(ready, *ours)
    code, output = merge(ready)
    assert (code, said in output) == (1, True), output
    assert "<<<<<<<" in (ready.repo.root / FILE).read_text()
    assert ready.run("validate").code == 1
    assert ready.run("validate", "--staged").code == 1


def test_without_a_key_the_conflict_stays(ready):
    """Nothing of either side is lost."""
    branch(ready, (("secrets", "private_key"), "one-long-value"))
    set_value(ready, ("secrets", "private_key_passphrase"), "other-long-value")
    code, output = merge(ready, **make_keyless_environment(ready))
    assert (code, "no age key" in output) == (1, True), output
    assert "<<<<<<<" in (ready.repo.root / FILE).read_text()


def test_a_renewed_data_key_stays(ready):
    """The secret of the other side is encrypted under it."""
    branch(ready, (("secrets", "private_key"), "one-long-value"))
    run_sops("rotate", "--in-place", str(ready.repo.root / FILE), env=make_key_environment(ready.repo.age))
    commit_all(ready)
    wrapped = parse_text((ready.repo.root / FILE).read_text()).tree["sops"]["age"]
    code, output = merge(ready)
    assert code == 0, output
    assert parse_text((ready.repo.root / FILE).read_text()).tree["sops"]["age"] == wrapped
    assert opened(ready)["secrets"]["private_key"] == "one-long-value"


def test_files_without_secrets_are_merged_as_text(ready):
    """Connections, and files that are no manifests."""
    path = ready.repo.connection("prod-pg", "prod-db")
    commit_all(ready)
    run_git(ready, "checkout", "-q", "-b", "feature")
    path.write_text("# theirs\n" + path.read_text())
    commit_all(ready)
    run_git(ready, "checkout", "-q", "-")
    path.write_text(path.read_text() + "# ours\n")
    commit_all(ready)
    assert merge(ready)[0] == 0
    text = path.read_text()
    assert text.startswith("# theirs\n")
    assert text.endswith("# ours\n")
