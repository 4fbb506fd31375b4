"""Tests that leak, one for each channel, and tests that do not: `test_canary.py` runs them.

Not collected with the others. Each test whose name begins with ``test_leak`` must fail, and each
whose name begins with ``test_clean`` must pass.
"""

import base64
import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

import click
import pytest
from click.testing import CliRunner

import canary as plugin
from keyturn.model.secret import Secret


def _fail(text: str) -> None:
    raise ValueError(text)


def _fail_again(text: str) -> None:
    try:
        _fail(text)
    except ValueError as error:
        raise KeyError from error


def test_leak_stdout(canary):
    """What is printed is searched."""
    print(canary("ascii"))  # noqa: T201


def test_leak_stderr(canary):
    """Standard error is searched."""
    sys.stderr.write(canary("ascii"))


def test_leak_captured_output(canary, capsys):
    """Output that the test captures is searched."""
    print(canary("ascii"))  # noqa: T201
    assert capsys.readouterr().out


def test_leak_descriptor(canary):
    """Output to a file descriptor is searched."""
    os.write(1, canary("ascii").encode())


def test_leak_command_output(canary):
    """What a command in the same process prints is searched."""

    @click.command
    def say():
        click.echo(canary("ascii"))

    assert CliRunner().invoke(say).exit_code == 0


def test_leak_command_exception(canary):
    """What a command in the same process raises is searched."""

    @click.command
    def fail():
        raise ValueError(canary("ascii"))

    assert CliRunner().invoke(fail).exit_code == 1


def test_leak_log_message(canary):
    """A log record is searched, down to DEBUG."""
    logging.getLogger("keyturn.client").debug("sent %s", canary("ascii"))


def test_leak_log_argument(canary):
    """An object attached to a log record is searched."""
    logging.getLogger("keyturn").info("sent", extra={"body": {"password": canary("ascii")}})


def test_leak_log_exception(canary):
    """An exception in a log record is searched."""
    try:
        _fail(canary("ascii"))
    except ValueError:
        logging.getLogger("keyturn").exception("no")


def test_leak_exception_text(canary):
    """The text of an expected exception is searched."""
    with pytest.raises(ValueError):  # noqa: PT011
        raise ValueError(canary("ascii"))


def test_leak_exception_cause(canary):
    """The chain behind an expected exception is searched."""
    with pytest.raises(KeyError):
        _fail_again(canary("ascii"))


def test_leak_exception_attribute(canary):
    """Attributes of an expected exception are searched."""
    error = ValueError("no")
    error.body = canary("ascii")
    with pytest.raises(ValueError, match="no"):
        raise error


def test_leak_uncaught(canary):
    """An exception that ends a test is searched; it fails for two reasons."""
    raise ValueError(canary("ascii"))


def test_leak_file(canary, tmp_path):
    """A file below the test's folder is searched: journal, state, plan, report, cache."""
    Path(tmp_path, "state.json").write_text(json.dumps({"password": canary("quotes")}))


def test_leak_file_name(canary, tmp_path):
    """The name of a file is searched."""
    Path(tmp_path, canary("ascii")).touch()


def test_leak_temporary_file(canary):
    """The temporary directory is searched."""
    handle, _ = tempfile.mkstemp()
    os.write(handle, canary("ascii").encode())
    os.close(handle)


def test_leak_watched_folder(canary, tmp_path_factory):
    """A further folder is searched if the test asks for it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    canary.watch(folder)
    Path(folder, "cache").write_text(canary("ascii"))


def test_leak_argv(canary):
    """The arguments of a child are searched."""
    subprocess.run(["true", canary("ascii")], check=True)


def test_leak_environment(canary):
    """The environment of a child is searched."""
    subprocess.run(["true"], env={"PATH": os.environ["PATH"], "TOKEN": canary("ascii")}, check=True)


def test_leak_inherited_environment(canary, monkeypatch):
    """The environment that a child inherits is searched."""
    monkeypatch.setenv("TOKEN", canary("ascii"))
    subprocess.run(["true"], check=True)


def test_leak_grandchild_argv(canary, run):
    """The arguments of a child's children are searched while they run."""
    script = "import os, subprocess; subprocess.run(['sh', '-c', 'sleep 0.2', os.environ['TOKEN']], env={})"
    assert run("-c", script, command="python", env={"TOKEN": canary("ascii")}).code == 0


def test_leak_grandchild_environment(canary, run):
    """The environment of a child's children is searched while they run."""
    script = "import subprocess; subprocess.run(['sleep', '0.2'])"
    assert run("-c", script, command="python", env={"TOKEN": canary("ascii")}).code == 0


def test_leak_program_output(canary, run):
    """The output of a subprocess is searched."""
    assert run("-c", "print(input())", command="python", stdin=canary("ascii")).code == 0


def test_leak_request_log(canary):
    """Recorded material is searched, such as URLs and headers of the emulator."""
    log = []
    canary.record("request log", lambda: log)
    log.append({"url": f"/v1/credentials?q={quote(canary('quotes'))}", "headers": {}})


def test_leak_after_the_test(canary, tmp_path, request):
    """What is written while fixtures end is searched."""
    value = canary("ascii")
    request.addfinalizer(lambda: Path(tmp_path, "late").write_text(value))


def test_leak_thread(canary):
    """What another thread logs is searched."""
    value = canary("ascii")
    thread = threading.Thread(target=lambda: logging.getLogger("keyturn").warning(value))
    thread.start()
    thread.join()


def test_leak_age_key(age_key, tmp_path):
    """The age key is a secret in every test."""
    Path(tmp_path, "debug").write_text(age_key.identity)


@pytest.mark.parametrize("kind", ["ascii", "pem", "quotes", "unicode", "short", "numeric", "word", "long"])
def test_leak_kind(canary, tmp_path, kind):
    """Each kind of secret is found in a file."""
    Path(tmp_path, "state.json").write_text(json.dumps({"a": canary(kind)}))


@pytest.mark.parametrize("kind", ["ascii", "pem", "quotes", "unicode", "short", "numeric", "word", "long"])
def test_leak_digest(canary, tmp_path, kind):
    """The plain hash of each kind of secret is found in a file."""
    Path(tmp_path, "state.json").write_text(hashlib.sha256(canary(kind).encode()).hexdigest())


@pytest.mark.parametrize("kind", ["ascii", "pem", "quotes", "unicode", "short", "numeric", "word", "long"])
def test_clean_kind(canary, tmp_path, capsys, kind):
    """A mask, a keyed fingerprint, random text, hex and base64 are no leaks."""
    secret = Secret(canary(kind))
    noise = os.urandom(50_000)
    print(repr(secret), secret.compute_hmac(b"key", b"frame"), noise.hex(), base64.b64encode(noise))  # noqa: T201
    assert "hidden" in capsys.readouterr().out
    Path(tmp_path, "noise").write_bytes(noise)
    Path(tmp_path, "name").write_text("Plan: 2 to create, 1 to update, 04817 host: db.example.com:5432\n")


def test_clean_allowed_file(canary, tmp_path):
    """Allowed files and folders are not searched."""
    canary.allow(tmp_path / "input.yaml", "the emulator's own input").write_text(canary("ascii"))
    folder = canary.allow(tmp_path / "private", "keys")
    folder.mkdir()
    Path(folder, "one").write_text(canary("ascii"))


def test_clean_allowed_environment(canary):
    """An allowed variable is not searched."""
    canary.allow_environment("TOKEN", "the child signs in with it")
    subprocess.run(["true"], env={"PATH": os.environ["PATH"], "TOKEN": canary("ascii")}, check=True)


def test_clean_age_key(age_key, tmp_path, sops):
    """The age key is allowed in a declared file and for sops."""
    age_key.write(tmp_path / "keys.txt")
    subprocess.run(
        [sops, "--version", "--disable-version-check"], env={"SOPS_AGE_KEY": age_key.identity}, check=True
    )


def test_clean_command(canary, run):
    """Standard input and the environment of keyturn are not searched."""
    value = canary("ascii")
    assert run("-c", "print(len(input()))", command="python", stdin=value, env={"TOKEN": value}).code == 0


def test_clean_neighbour(canary, tmp_path):
    """Secrets of another test are not searched."""
    other = plugin.make_canary("ascii", plugin.random.Random(7))
    Path(tmp_path, "file").write_text(other.value)
    assert canary("ascii") != other.value


def test_clean_canaries_differ(canary):
    """No two canaries of a test are the same."""
    assert len({canary(kind) for kind in ("short", "word", "ascii", "ascii", "short", "word")}) == 6
