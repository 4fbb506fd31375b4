"""Known data keys, seals that do not match, and equal secrets, through the command line."""

import json
import re
import shutil

import pyrage
import pytest

from git_history import commit_all, make_keyless_environment
from keyturn.sops.age_keys import find_age_keys
from keyturn.sops.native import open_data_key
from sops_files import make_key_environment, parse_text, run_sops

FILE = "manifests/prod/credentials/prod-db.yaml"
OTHER = "manifests/prod/credentials/prod-lake.yaml"


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential in a committed repository."""
    setup.repo.credential("prod-db", {"password": canary()})
    commit_all(setup)
    return setup


CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


def data_key(setup, file=FILE):
    """Return the data key of a file."""
    keyring = find_age_keys(make_key_environment(setup.repo.age))
    return open_data_key(parse_text((setup.repo.root / file).read_bytes()), keyring)


def set_password(setup, value, *words, file="prod-db"):
    """Set the password of a credential."""
    return setup.run("secret", "set", file, "password", *words, stdin=value)


def shift_host(setup):
    """Move a letter from one value to the next, as a person without the key can."""
    path = setup.repo.root / FILE
    text = path.read_text()
    shifted = text.replace("engine: postgresql", "engine: postgresqld").replace("host: db.", "host: b.")
    assert shifted != text
    path.write_text(shifted)


def set_with_sops(setup, file, path, value):
    """Set a value with the real sops."""
    index = "".join(f'["{key}"]' for key in path)
    words = ("set", "--value-stdin", str(setup.repo.root / file), index)
    run_sops(*words, stdin=json.dumps(value), env=make_key_environment(setup.repo.age))


def move_host(setup):
    """Change the host with the key."""
    set_with_sops(setup, FILE, ("config", "host"), "db2.example.com")


def test_a_secret_keeps_the_data_key(ready, canary):
    """No other file has it, and no recipient was removed."""
    before = data_key(ready)
    assert set_password(ready, canary()).stderr == f"set password of credential/prod-db in {FILE}\n"
    assert data_key(ready) == before


def test_a_copied_file_gets_a_new_data_key(ready, canary):
    """The copy was renamed and sealed with the key, so that nothing but the data key is common."""
    shutil.copy(ready.repo.root / FILE, ready.repo.root / OTHER)
    set_with_sops(ready, OTHER, ("name",), "prod-lake")
    set_with_sops(ready, OTHER, ("secrets", "password"), canary())
    sealed = ready.run("seal", "prod-lake", "--reason", "promoted", "--yes")
    assert sealed.code == 0, sealed.stderr
    assert data_key(ready, OTHER) != data_key(ready)
    shutil.copy(ready.repo.root / OTHER, ready.repo.root / "manifests/prod/credentials/prod-third.yaml")
    before = data_key(ready, OTHER)
    done = set_password(ready, canary(), file="prod-lake")
    assert done.code == 0
    assert (
        "note: the file has a new data key: manifests/prod/credentials/prod-third.yaml has the same one"
        in done.stderr
    )
    assert data_key(ready, OTHER) != before


def test_a_removed_recipient_loses_the_data_key(ready, canary, tmp_path):
    """The recipient is in an earlier commit only."""
    former = str(pyrage.x25519.Identity.generate().to_public())
    rules = tmp_path / "rules.yaml"
    for recipients in (f"{ready.repo.age.recipient},{former}", ready.repo.age.recipient):
        rules.write_text(f"creation_rules: [{{age: '{recipients}'}}]")
        words = ("--config", str(rules), "updatekeys", "-y", str(ready.repo.root / FILE))
        run_sops(*words, env=make_key_environment(ready.repo.age))
        commit_all(ready)
    before = data_key(ready)
    done = set_password(ready, canary())
    assert (
        f"note: the file has a new data key: {former}, a former recipient, knows the old one" in done.stderr
    )
    assert data_key(ready) not in (before, None)
    commit_all(ready)
    assert "note" not in set_password(ready, canary()).stderr
    assert ready.run("validate").code == 0
    assert ready.run("plan").code == 0


@pytest.mark.parametrize("shift", [shift_host, move_host])
def test_a_secret_is_not_set_after_the_destination_changed(ready, canary, shift):
    """With or without the key: the message says from where to where, and nothing is written."""
    shift(ready)
    before = (ready.repo.root / FILE).read_bytes()
    done = set_password(ready, canary())
    assert done.code == 5
    assert "KT251" in done.stderr
    assert re.search(r"config\.host: db\.example\.com → (b|db2)\.example\.com", " ".join(done.stderr.split()))
    assert "keyturn seal prod-db --reason TEXT" in " ".join(done.stderr.split())
    assert (ready.repo.root / FILE).read_bytes() == before


def test_a_changed_destination_is_sealed_with_a_reason(ready, canary):
    """Without one, exit 5; with one, the change is shown, and the file gets a new data key."""
    shift_host(ready)
    before, written = data_key(ready), (ready.repo.root / FILE).read_bytes()
    refused = ready.run("seal", "prod-db")
    assert (refused.code, "KT251" in refused.stderr) == (5, True)
    unasked = ready.run("seal", "prod-db", "--reason", "moved")
    assert (unasked.code, "cannot prompt (no terminal): pass --yes" in unasked.stderr) == (64, True)
    unexplained = ready.run("seal", "prod-db", "--yes")
    assert (unexplained.code, "--yes needs --reason TEXT" in unexplained.stderr) == (64, True)
    assert (ready.repo.root / FILE).read_bytes() == written
    done = ready.run("seal", "prod-db", "--reason", "moved", "--yes")
    assert done.code == 0
    assert "  config.host: db.example.com → b.example.com" in done.stderr
    assert f"sealed {FILE}\nnote: the file has a new data key: it had no valid seal" in done.stderr
    assert data_key(ready) != before
    assert set_password(ready, canary()).code == 0


def test_an_unknown_former_destination_is_said(ready, canary):
    """Without a commit of the sealed version, only the present destination is known."""
    (ready.repo.root / ".git").rename(ready.repo.root / "no-git")
    shift_host(ready)
    done = set_password(ready, canary())
    text = " ".join(done.stderr.split())
    assert done.code == 5
    assert "not in git history; now:" in text
    assert "config.host: b.example.com" in text


def test_a_file_without_seal_is_sealed_with_a_new_data_key(ready, canary):
    """Anybody can encrypt a file for public recipients, and knows its data key."""
    config = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
    tree = {"kind": "credential", "name": "prod-db", "type": "database", "config": config}
    for command in (("seal", "prod-db"), ("secret", "set", "prod-db", "password")):
        ready.repo.encrypt(FILE, {**tree, "secrets": {"password": canary()}})
        before = data_key(ready)
        done = ready.run(*command, stdin=canary())
        assert done.code == 0, done.stderr
        assert "note: the file has a new data key: it had no valid seal" in done.stderr
        assert data_key(ready) != before
        assert "KT25" not in ready.run("plan").stderr


def test_a_removed_seal_does_not_hide_a_move(ready, canary):
    """Somebody without a key replaces the file by one without a seal, for another host."""
    config = {"engine": "postgresql", "host": "evil.example.net", "port": 5432, "username": "svc"}
    tree = {"kind": "credential", "name": "prod-db", "type": "database", "config": config}
    ready.repo.encrypt(FILE, {**tree, "secrets": {"password": canary()}})
    for command in (("seal", "prod-db"), ("secret", "set", "prod-db", "password")):
        done = ready.run(*command, stdin=canary())
        assert done.code == 5
        assert "config.host: db.example.com → evil.example.net" in " ".join(done.stderr.split())


def test_a_pull_does_not_seal_a_moved_destination(applied_setup):
    """A live value is not a reason to accept another change of the file."""
    setup = applied_setup
    commit_all(setup)
    setup.service.edit_in_ui("credentials", "prod-db", config={"username": "other"})
    shift_host(setup)
    before = (setup.repo.root / FILE).read_bytes()
    done = setup.run("pull", "prod-db", "--allow-destination-change", "prod-db")
    assert done.code != 0
    assert (setup.repo.root / FILE).read_bytes() == before


def test_an_equal_secret_needs_consent(ready, canary):
    """The refusal names the other credential, not the value."""
    value = canary()
    ready.repo.credential("prod-lake", {"password": value}, {**CONFIG, "host": "lake.example.com"})
    before = (ready.repo.root / FILE).read_bytes()
    done = set_password(ready, value)
    assert done.code == 5
    assert "KT362" in done.stderr
    assert f"credential/prod-lake ({OTHER}) already has this secret" in " ".join(done.stderr.split())
    assert set_password(ready, value, "--same-as", "prod-other").code == 5
    assert (ready.repo.root / FILE).read_bytes() == before
    assert set_password(ready, value, "--same-as", "prod-lake").code == 0
    assert set_password(ready, value).code == 5
    ready.repo.credential("prod-lake", {"password": value}, CONFIG)
    assert set_password(ready, value).code == 0  # one account, two credentials


def test_an_equal_secret_is_accepted_if_policy_says_so(ready, canary):
    """The rule about equal secrets is off."""
    value = canary()
    ready.repo.project(policy={"rules": {"KT362": "off"}})
    ready.repo.credential("prod-lake", {"password": value})
    assert set_password(ready, value).code == 0


def test_copies_are_seen_without_a_key(ready):
    """A copy that was edited without the key is an error; one that was edited with it is a warning."""
    (ready.repo.root / OTHER).write_text((ready.repo.root / FILE).read_text().replace("prod-db", "prod-lake"))
    env = make_keyless_environment(ready)
    done = ready.run("validate", env=env)
    assert done.code == 1
    assert "KT378" in done.stdout
    shutil.copy(ready.repo.root / FILE, ready.repo.root / OTHER)
    set_with_sops(ready, OTHER, ("name",), "prod-lake")
    done = ready.run("validate", env=env)
    text = " ".join(done.stdout.split())
    assert "KT378" not in text
    assert f"{OTHER} and {FILE} have the same data key" in text


def test_usage_names_files_with_one_data_key(ready):
    """As a note of the report."""
    shutil.copy(ready.repo.root / FILE, ready.repo.root / OTHER)
    set_with_sops(ready, OTHER, ("name",), "prod-lake")
    done = ready.run("usage")
    assert f"{OTHER} and {FILE} have the same data key" in " ".join(done.stdout.split())
