"""Age keys from a pipe."""

import os
import threading

import pytest

from keyturn.sops import age_keys
from keyturn.sops.age_keys import find_age_keys, has_single_use_source


@pytest.fixture
def pipe(tmp_path):
    """Return the path of a named pipe."""
    path = tmp_path / "keys"
    os.mkfifo(path)
    return path


def test_a_pipe_is_read_once(age_key, pipe):
    """A process of sops gets the keys as text, and a second search needs no writer."""
    writer = threading.Thread(target=pipe.write_text, args=(age_key.identity + "\n",))
    writer.start()
    environment = {"SOPS_AGE_KEY_FILE": str(pipe)}
    assert has_single_use_source(environment)
    for _ in range(2):
        found = find_age_keys(environment)
        assert found.recipients == {age_key.recipient}
        assert "SOPS_AGE_KEY_FILE" not in found.environment
        assert age_key.identity in found.environment["SOPS_AGE_KEY"]
    writer.join()


def test_a_pipe_without_a_writer_is_reported(pipe, monkeypatch):
    """The search ends after a time limit."""
    monkeypatch.setattr(age_keys, "_PIPE_TIMEOUT", 0.1)
    found = find_age_keys({"SOPS_AGE_KEY_FILE": str(pipe)})
    assert [each.code for each in found.diagnostics] == ["KT021"]
    assert found.is_empty


@pytest.mark.parametrize("path", ["", "/nowhere", "/dev/null"])
def test_other_files_may_be_read_again(path):
    """Only a pipe loses its content."""
    assert not has_single_use_source({"SOPS_AGE_KEY_FILE": path})
