"""The API key: where it comes from, and what is said where there is none."""

import os

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.load.apikey import LONGEST, api_key
from keyturn.load.project import KeySource


def test_from_the_environment(tmp_path, canary):
    """The variable is named in the words for messages; blanks around the key are the shell's."""
    value = canary()
    key, where = api_key(tmp_path, KeySource("env", "KEY"), {"KEY": f" {value}\n"})
    assert key.reveal() == value
    assert where == "the environment variable KEY"


def test_from_a_file_below_the_project(tmp_path, canary):
    """The file's content without the newline."""
    value = canary()
    canary.allow(tmp_path / "key", "the API key's own file").write_text(f"{value}\n")
    key, where = api_key(tmp_path, KeySource("file", "key"), {})
    assert key.reveal() == value
    assert where == "the file key"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda _: None, "does not exist"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.write_text("x" * (LONGEST + 1)), "holds no key"),
        (lambda path: path.mkdir(), "holds no key"),
        (os.mkfifo, "holds no key"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read"),
    ],
)
def test_a_file_that_is_no_key(tmp_path, made, said):
    """What stands there is said, never shown; a pipe is not waited for."""
    made(tmp_path / "key")
    with pytest.raises(Faulty) as caught:
        api_key(tmp_path, KeySource("file", "key"), {})
    (finding,) = caught.value.findings
    assert finding.code == "KT030"
    assert said in finding.message
