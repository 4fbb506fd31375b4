"""Files whose MAC is older than their values, found by the history of git."""

import subprocess

import pytest

from keyturn.files.discovery import load_file
from keyturn.operations.review.stale_macs import find_stale_macs
from keyturn.sops.recipients import recipients_by_file

FILE = "manifests/prod/credentials/prod-db.yaml"


def git(setup, *words):
    """Run git in the repository."""
    command = ["git", "-c", "init.defaultBranch=main", *words]
    done = subprocess.run(command, cwd=setup.repo.root, check=False, capture_output=True, text=True)
    return done.stdout.strip()


def commit(setup):
    """Commit everything and return the commit."""
    git(setup, "init", "-q")
    git(setup, "add", "-A")
    git(setup, "commit", "-qm", "x")
    return git(setup, "rev-parse", "HEAD")


@pytest.fixture
def committed(setup, canary):
    """Return a committed credential with two secrets."""
    setup.repo.credential("prod-db", {"password": canary(), "token": canary()})
    commit(setup)
    return setup


def read(setup):
    """Return the recipients of the file of today."""
    return recipients_by_file([load_file(setup.repo.root, FILE)])


def set_secret(setup, sops, field, value):
    """Set one secret with sops."""
    path = str(setup.repo.root / FILE)
    words = [str(sops), "--config", "/dev/null", "set", path, f'["secrets"]["{field}"]', f'"{value}"']
    subprocess.run(words, check=True, capture_output=True, env=setup.repo.environment())


def find(setup, before):
    """Return code and file of each error."""
    found = find_stale_macs(setup.repo.root, before, read(setup), setup.repo.environment())
    return [(each.code, each.origin.file) for each in found]


def test_a_new_secret_has_a_new_mac(committed, sops):
    """Neither the edit nor the unchanged file is an error."""
    before = read(committed)
    assert find(committed, before) == []
    set_secret(committed, sops, "password", "another")
    assert find(committed, before) == []
    assert find(committed, {}) == []


def test_a_plain_edit_keeps_the_mac(committed):
    """With the base, and with the history alone."""
    before = read(committed)
    path = committed.repo.root / FILE
    path.write_text(path.read_text().replace("db.example.com", "db.example.net"))
    assert find(committed, before) == [("KT221", FILE)]
    assert find(committed, {}) == [("KT221", FILE)]
    commit(committed)
    assert find(committed, before) == [("KT221", FILE)]


@pytest.mark.parametrize("kept", ["ours", "theirs"])
def test_a_merge_of_two_secrets_with_the_mac_of_one(committed, sops, kept):
    """The base may be of either side; the other side is found in the history."""
    before = read(committed)
    path = committed.repo.root / FILE
    git(committed, "checkout", "-q", "-b", "other")
    set_secret(committed, sops, "password", "another")
    theirs = path.read_text()
    commit(committed)
    git(committed, "checkout", "-q", "main")
    set_secret(committed, sops, "token", "another")
    ours = path.read_text()
    commit(committed)
    base = read(committed)
    git(committed, "merge", "-q", "other")
    secrets = {"password": theirs, "token": ours}
    lines = (ours if kept == "ours" else theirs).splitlines()
    for field, text in secrets.items():
        (line,) = [each for each in text.splitlines() if each.startswith(f"    {field}:")]
        lines = [line if each.startswith(f"    {field}:") else each for each in lines]
    path.write_text("\n".join([*lines, ""]))
    commit(committed)
    for known in (base, before, {}):
        assert find(committed, known) == [("KT221", FILE)]


def test_a_repaired_file_is_no_error(committed):
    """The oldest version with a MAC has its values, also if a broken version came later."""
    path = committed.repo.root / FILE
    good = path.read_text()
    path.write_text(good.replace("db.example.com", "db.example.net"))
    commit(committed)
    broken = read(committed)
    path.write_text(good)
    assert find(committed, broken) == []
