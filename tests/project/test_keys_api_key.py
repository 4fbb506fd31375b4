"""The API key: where it comes from, and what is said where there is none."""

import os

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.project.keys import MAX_API_KEY_BYTES, read_api_key
from keyturn.project.project import ApiKeySource


def test_from_the_environment(tmp_path, canary):
    """The variable is named in the words for messages; blanks around the key are the shell's."""
    value = canary()
    key, where = read_api_key(tmp_path, ApiKeySource("env", "KEY"), {"KEY": f" {value}\n"})
    assert key.reveal() == value
    assert where == "the environment variable KEY"


def test_from_a_file_below_the_project(tmp_path, canary):
    """The file's content without the newline."""
    value = canary()
    canary.allow(tmp_path / "key", "the API key's own file").write_text(f"{value}\n")
    key, where = read_api_key(tmp_path, ApiKeySource("file", "key"), {})
    assert key.reveal() == value
    assert where == "the file key"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda _: None, "does not exist"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.write_text("x" * (MAX_API_KEY_BYTES + 1)), "does not contain a key"),
        (lambda path: path.mkdir(), "does not contain a key"),
        (os.mkfifo, "does not contain a key"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read"),
    ],
)
def test_a_file_without_a_key_is_an_error(tmp_path, made, said):
    """The message does not contain its content; reading a pipe does not block."""
    made(tmp_path / "key")
    with pytest.raises(DiagnosticError) as caught:
        read_api_key(tmp_path, ApiKeySource("file", "key"), {})
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT030"
    assert said in finding.message


@pytest.mark.parametrize(
    "value",
    [
        f"AGE-SECRET-KEY-1{'Q' * 58}",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----",
        f"AKIA{'Q' * 16}",
        f"ghs_{'q' * 36}",
        "https://ada:word@git.example.com",
    ],
)
def test_the_secret_of_another_system_is_refused(tmp_path, value):
    """A merged change of keyturn.yaml cannot send it to the address of the service."""
    with pytest.raises(DiagnosticError) as caught:
        read_api_key(tmp_path, ApiKeySource("env", "KEY"), {"KEY": value})
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT032"
    assert value not in finding.message + finding.hint


def test_a_variable_of_another_system_is_refused(tmp_path, canary):
    """Its value may have no form of its own."""
    source = ApiKeySource("env", "AWS_SECRET_ACCESS_KEY")
    with pytest.raises(DiagnosticError) as caught:
        read_api_key(tmp_path, source, {"AWS_SECRET_ACCESS_KEY": canary()})
    assert caught.value.diagnostics[0].code == "KT032"


@pytest.mark.parametrize(
    "value", [f"plnx_live_sk-{'q' * 20}", "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl", "0123-any"]
)
def test_an_api_key_of_any_form_is_accepted(tmp_path, value):
    """The service also accepts access tokens, and no prefix is promised."""
    key, _ = read_api_key(tmp_path, ApiKeySource("env", "KEY"), {"KEY": value})
    assert key.reveal() == value
