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
