"""The repository's own key: read once, refused where it is not what it should be."""

import base64

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.project.keys import (
    FINGERPRINT_KEY_PATH,
    STORED_KEY_BYTES,
    open_decryptor,
    read_fingerprint_key,
)
from keyturn.project.project import Project


@pytest.fixture
def project(tmp_path):
    """Return a project with a key file; what it opens to is up to the test."""
    (tmp_path / ".keyturn").mkdir()
    (tmp_path / ".keyturn/fingerprint.yaml").write_text("kind: fingerprint-key\n")
    return Project(root=tmp_path, workspaces={}, policy=PolicySettings())


def opening(value):
    """Return a decryptor that opens every document to one value."""
    return lambda documents: tuple({FINGERPRINT_KEY_PATH: Secret(value)} for _ in documents)


def test_the_key_is_the_bytes_behind_the_base64(project):
    """Thirty-two bytes, as they were made."""
    key = bytes(range(STORED_KEY_BYTES))
    assert read_fingerprint_key(project, opening(base64.b64encode(key).decode())) == key


@pytest.mark.parametrize("value", ["not base64!", base64.b64encode(b"short").decode(), ""])
def test_a_damaged_key_is_an_error(project, value):
    """With another key, every secret would appear rotated."""
    with pytest.raises(DiagnosticError) as caught:
        read_fingerprint_key(project, opening(value))
    assert [finding.code for finding in caught.value.diagnostics] == ["KT040"]


def test_a_file_without_the_key_is_an_error(project):
    """The field is required."""
    with pytest.raises(DiagnosticError):
        read_fingerprint_key(project, lambda documents: tuple({} for _ in documents))


def test_a_missing_file_has_a_hint(tmp_path):
    """Restore it from git; a new key is not a fix."""
    project = Project(root=tmp_path, workspaces={}, policy=PolicySettings())
    with pytest.raises(DiagnosticError) as caught:
        read_fingerprint_key(project, opening(""))
    assert "git" in caught.value.diagnostics[0].hint


def test_an_untrusted_event_opens_no_decryptor(project):
    """Every decryption starts here."""
    with pytest.raises(DiagnosticError) as caught:
        open_decryptor(project, {"GITHUB_EVENT_NAME": "issue_comment"})
    assert caught.value.diagnostics[0].code == "KT031"
