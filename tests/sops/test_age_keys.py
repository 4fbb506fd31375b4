"""Available age keys."""

import os

import pyrage
import pytest

from keyturn.sops.age_keys import find_age_keys
from keyturn.sops.metadata import parse_metadata
from sops_files import encrypt_manifest, parse_text, run_sops


@pytest.fixture
def home(tmp_path):
    """Return an empty home directory."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def another(canary):
    """Return another identity as a canary."""
    identity = pyrage.x25519.Identity.generate()
    canary.add(str(identity).removeprefix("AGE-SECRET-KEY-1"), "age key")
    return identity


def test_combines_all_sources(age_key, home, canary):
    """The variable, the file and the configuration folder have the same precedence."""
    one, two = another(canary), another(canary)
    config = home / ".config/sops/age/keys.txt"
    config.parent.mkdir(parents=True)
    canary.allow(config, "a key file").write_text(f"# mine\n\n{two}\n")
    environment = {"SOPS_AGE_KEY": str(one), "SOPS_AGE_KEY_FILE": str(age_key.file), "HOME": str(home)}
    found = find_age_keys(environment)
    assert found.recipients == {age_key.recipient, str(one.to_public()), str(two.to_public())}
    assert found.diagnostics == ()
    assert not found.has_other_keys


def test_the_configuration_folder_moves_with_its_variable(home, canary):
    """XDG_CONFIG_HOME has precedence over HOME, as in sops."""
    key = another(canary)
    file = home / "elsewhere/sops/age/keys.txt"
    file.parent.mkdir(parents=True)
    canary.allow(file, "a key file").write_text(str(key))
    assert find_age_keys({"XDG_CONFIG_HOME": str(home / "elsewhere")}).recipients == {str(key.to_public())}
    assert find_age_keys({"HOME": str(home)}).is_empty


def test_runs_a_key_command_once_without_a_shell(age_key, tmp_path):
    """In the environment of a sops process, the output replaces the command."""
    asked = tmp_path / "asked"
    script = tmp_path / "give key; echo no"
    script.write_text(f"#!/bin/sh\necho x >> {asked}\ncat {age_key.file}\n")
    script.chmod(0o700)
    found = find_age_keys({"SOPS_AGE_KEY_CMD": f"'{script}' --flag", "PATH": os.defpath})
    assert found.recipients == {age_key.recipient}
    assert asked.read_text() == "x\n"
    assert set(found.environment) == {"PATH", "SOPS_AGE_KEY"}


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SOPS_AGE_KEY", "no key", "SOPS_AGE_KEY has a line that is not an age key"),
        ("SOPS_AGE_KEY_FILE", "/nowhere/keys.txt", "SOPS_AGE_KEY_FILE names a file that does not exist"),
        ("SOPS_AGE_KEY_FILE", "/", "SOPS_AGE_KEY_FILE cannot be read"),
        ("SOPS_AGE_KEY_CMD", "false", "SOPS_AGE_KEY_CMD is a command that fails or prints no key"),
        ("SOPS_AGE_KEY_CMD", "", "SOPS_AGE_KEY_CMD is a command that fails or prints no key"),
        ("SOPS_AGE_KEY_CMD", "'", "SOPS_AGE_KEY_CMD is a command that fails or prints no key"),
        ("SOPS_AGE_KEY_CMD", "/nowhere/x", "SOPS_AGE_KEY_CMD is a command that fails or prints no key"),
    ],
)
def test_reports_a_broken_source_and_uses_the_others(age_key, variable, value, message):
    """Sops ignores a bad key silently while another one works; keyturn reports it."""
    rest = {
        name: text
        for name, text in {"SOPS_AGE_KEY": age_key.identity, "SOPS_AGE_KEY_FILE": str(age_key.file)}.items()
        if name != variable
    }
    found = find_age_keys({**rest, variable: value, "PATH": os.defpath})
    assert found.recipients == {age_key.recipient}
    assert [finding.message for finding in found.diagnostics] == [message]


@pytest.mark.parametrize(
    "line",
    [
        "AGE-PLUGIN-YUBIKEY-1QQQQ",
        "AGE-SECRET-KEY-PQ-1QQQQ",
        "-----BEGIN AGE ENCRYPTED FILE-----",
        "age-encryption.org/v1",
    ],
)
def test_notes_keys_that_only_sops_can_use(line):
    """Plugins, post-quantum keys and files with a passphrase are left to sops."""
    found = find_age_keys({"SOPS_AGE_KEY": line})
    assert found.has_other_keys
    assert not found.recipients
    assert not found.is_empty


def test_ssh_keys_are_left_to_sops(home):
    """An SSH key in the home directory or in a variable may decrypt files that keyturn cannot."""
    assert not find_age_keys({"HOME": str(home)}).has_other_keys
    (home / ".ssh").mkdir()
    (home / ".ssh/id_ed25519").write_text("x")
    assert find_age_keys({"HOME": str(home)}).has_other_keys
    assert find_age_keys({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": "/x"}).has_other_keys


def test_unwraps_a_data_key_for_its_recipient(age_key, canary):
    """Only the recipient can unwrap the data key of a real file."""
    text = encrypt_manifest(f"{age_key.recipient},{another(canary).to_public()}", {"password": "x"})
    first, second = parse_metadata(parse_text(text)).recipients
    found = find_age_keys({"SOPS_AGE_KEY": age_key.identity})
    assert len(found.unwrap_data_key(first.name, first.wrapped_key)) == 32
    assert found.unwrap_data_key(second.name, second.wrapped_key) is None
    assert found.unwrap_data_key(first.name, second.wrapped_key) is None
    assert found.unwrap_data_key(first.name, "x") is None


def test_the_repr_shows_no_key(age_key, canary):
    """Neither the keys nor the environment are in the output."""
    found = find_age_keys({"SOPS_AGE_KEY": age_key.identity})
    canary.record("keyring", repr(found))
    assert age_key.identity not in repr(found)
    assert age_key.recipient in repr(found)


def test_the_sources_are_those_of_sops(age_key, home):
    """Sops decrypts a file with a key from each source."""
    text = encrypt_manifest(age_key, {"password": "x"})
    config = home / ".config/sops/age/keys.txt"
    config.parent.mkdir(parents=True)
    age_key.write(config)
    for environment in (
        {"SOPS_AGE_KEY": age_key.identity},
        {"SOPS_AGE_KEY_FILE": str(age_key.file)},
        {"SOPS_AGE_KEY_CMD": f"cat {age_key.file}"},
        {"HOME": str(home)},
        {"XDG_CONFIG_HOME": str(home / ".config")},
    ):
        assert find_age_keys({"PATH": os.defpath, **environment}).recipients == {age_key.recipient}
        assert b'"x"' in run_sops(
            "decrypt", "--input-type", "yaml", "--output-type", "json", stdin=text, env=environment
        )
