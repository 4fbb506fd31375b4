"""Who else may know the data key of a file; the files are encrypted by the real sops."""

import pyrage
import pytest

from keyturn.files.discovery import SourceFile
from keyturn.manifests.data_key import find_file_with_data_key, find_former_reader, parse_encrypted
from keyturn.sops.age_keys import AgeKeyring, find_age_keys
from keyturn.sops.native import open_data_key
from sops_files import encrypt_manifest, make_key_environment, parse_text, run_sops

NO_KEYS = AgeKeyring()


@pytest.fixture
def keyring(age_key):
    """Return the keyring with the key of this test run."""
    return find_age_keys(make_key_environment(age_key))


@pytest.fixture
def other():
    """Return the public key of another person."""
    return str(pyrage.x25519.Identity.generate().to_public())


def source(text, file="m/old.yaml"):
    """Return a file of a repository."""
    return SourceFile(None, file, "", text.encode())


def rotate(text, age_key, tmp_path, *options):
    """Return the text after ``sops rotate``."""
    path = tmp_path / "edited.yaml"
    path.write_text(text)
    run_sops("rotate", "--in-place", *options, str(path), env=make_key_environment(age_key))
    return path.read_text()


def update_keys(text, age_key, tmp_path, *recipients):
    """Return the text after ``sops updatekeys`` to other recipients: the data key stays."""
    path, rules = tmp_path / "edited.yaml", tmp_path / "rules.yaml"
    path.write_text(text)
    rules.write_text(f"creation_rules: [{{age: '{','.join(recipients)}'}}]")
    run_sops("--config", str(rules), "updatekeys", "-y", str(path), env=make_key_environment(age_key))
    return path.read_text()


@pytest.mark.parametrize("with_key", [True, False])
def test_a_copy_has_the_same_data_key(age_key, keyring, with_key):
    """No key is needed to see it."""
    text = encrypt_manifest(age_key, {"password": "pw"})
    copy = parse_text(text, "m/copy.yaml")
    others = [
        parse_text(encrypt_manifest(age_key, {"password": "pw"}), "m/other.yaml"),
        parse_text(text, "m/a.yaml"),
    ]
    assert find_file_with_data_key(copy, others, keyring if with_key else NO_KEYS) == "m/a.yaml"
    assert find_file_with_data_key(copy, [*others[:1], copy], keyring) == ""


def test_a_copy_with_new_values_and_recipients_is_found_with_the_key(age_key, keyring, other, tmp_path):
    """After updatekeys and set, nothing in the two files is equal."""
    text = encrypt_manifest(age_key, {"password": "pw"})
    path = tmp_path / "copy.yaml"
    path.write_text(update_keys(text, age_key, tmp_path, age_key.recipient, other))
    run_sops("set", str(path), '["secrets"]["password"]', '"another"', env=make_key_environment(age_key))
    copy, original = parse_text(path.read_text(), "m/copy.yaml"), parse_text(text, "m/a.yaml")
    assert find_file_with_data_key(copy, [original], keyring) == "m/a.yaml"
    data_key = open_data_key(copy, keyring)
    assert data_key is not None
    assert data_key == open_data_key(original, keyring)
    assert open_data_key(copy, NO_KEYS) is None


@pytest.mark.parametrize("with_key", [True, False])
def test_a_removed_recipient_knows_the_data_key(age_key, keyring, other, tmp_path, with_key):
    """Until the data key is renewed, also if the file was changed meanwhile."""
    ring = keyring if with_key else NO_KEYS
    first = encrypt_manifest(f"{age_key.recipient},{other}", {"password": "pw", "token": "t"})
    second = update_keys(first, age_key, tmp_path, age_key.recipient)
    path = tmp_path / "third.yaml"
    path.write_text(second)
    run_sops("set", str(path), '["secrets"]["password"]', '"new"', env=make_key_environment(age_key))
    third = path.read_text()
    versions = tuple(parse_encrypted(map(source, (second, first))))
    assert find_former_reader(parse_text(third), versions, ring) == other
    renewed = parse_text(rotate(third, age_key, tmp_path))
    assert find_former_reader(renewed, versions, ring) == ""


def test_an_added_recipient_is_no_former_one(age_key, keyring, other, tmp_path):
    """It can read the file now."""
    first = encrypt_manifest(age_key, {"password": "pw"})
    second = update_keys(first, age_key, tmp_path, age_key.recipient, other)
    versions = tuple(parse_encrypted([source(first)]))
    assert find_former_reader(parse_text(second), versions, keyring) == ""


def test_plain_and_damaged_versions_are_omitted(age_key):
    """They have no data key."""
    texts = ("a: 1\n", "sops: [", "sops: {}\n", encrypt_manifest(age_key, {"password": "pw"}))
    assert len(tuple(parse_encrypted(map(source, texts)))) == 2
