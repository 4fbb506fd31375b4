"""Use cases of a workspace key, without the command line."""

import base64
import shutil
from pathlib import Path

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.operations.setup.init_repository import create_manifest_writer, init_repository
from keyturn.operations.setup.init_templates import InitOptions
from keyturn.operations.setup.workspace_keys import (
    create_workspace_key,
    describe_author,
    report_workspace_key,
    seal_settings,
    trust_workspace_key,
)
from keyturn.project.project import read_project
from keyturn.project.workspace_key import SealAuthor, workspace_key_path
from keyturn.trust.signing import SigningKey
from workspace import SOPS

AUTHOR = SealAuthor("alice@laptop", "2026-01-02")


@pytest.fixture
def environment(tmp_path, age_key):
    """Return an environment with sops, an age key and a home."""
    path = f"{Path(SOPS).parent}:{Path(shutil.which('git')).parent}"
    return {"PATH": path, "SOPS_AGE_KEY_FILE": str(age_key.file), "HOME": str(tmp_path / "home")}


@pytest.fixture
def project(tmp_path, age_key, environment):
    """Return a new project with a key."""
    options = InitOptions(
        workspace="prod", base_url="https://a.example", organization="org_x", recipient=age_key.recipient
    )
    init_repository(tmp_path, options, environment, lambda count: b"\x07" * count, author=AUTHOR, ci="none")
    return read_project(tmp_path)


def test_a_new_key_is_trusted_and_matches_the_settings(project, environment):
    """On the machine that made it."""
    report = report_workspace_key(project, project.find_workspace(), environment)
    assert (report.trusted, report.changes) == (True, ())
    elsewhere = report_workspace_key(project, project.find_workspace(), {})
    assert not elsewhere.trusted


def test_a_key_is_trusted_once_and_by_its_id(project, environment, tmp_path):
    """Another ID is refused with that of the file."""
    workspace = project.find_workspace()
    other = {**environment, "HOME": str(tmp_path / "other")}
    key_id = report_workspace_key(project, workspace, other).key.public_key.key_id
    with pytest.raises(DiagnosticError) as caught:
        trust_workspace_key(project, workspace, other, key_id + "x")
    assert key_id in caught.value.diagnostics[0].message
    assert trust_workspace_key(project, workspace, other, key_id)
    assert not trust_workspace_key(project, workspace, other, key_id)


def test_settings_are_sealed_under_the_same_key(project, environment):
    """The number grows, and the author is the new one."""
    workspace = project.find_workspace()
    before = report_workspace_key(project, workspace, environment).key
    seal_settings(project, workspace, environment, SealAuthor("bob@laptop", "2026-02-03", "new host"))
    after = report_workspace_key(project, workspace, environment).key
    assert after.public_key == before.public_key
    assert (before.seal["serial"], after.seal["serial"]) == (1, 2)
    assert (after.seal["by"], after.seal["reason"]) == ("bob@laptop", "new host")


def test_a_workspace_without_a_key_gets_a_new_one(project, environment):
    """A missing file is no key; a second key is refused."""
    workspace = project.find_workspace()
    (project.root / workspace_key_path("prod")).unlink()
    with pytest.raises(DiagnosticError):
        seal_settings(project, workspace, environment, AUTHOR)
    key_id = create_workspace_key(project, workspace, environment, lambda count: b"\x08" * count, AUTHOR)
    assert report_workspace_key(project, workspace, environment).key.public_key.key_id == key_id
    with pytest.raises(DiagnosticError):
        create_workspace_key(project, workspace, environment, bytes, AUTHOR)


def test_a_fingerprint_key_of_the_repository_is_no_root_key(project, environment):
    """Anybody can have encrypted it for the public recipients, and would know the key that signs."""
    workspace = project.find_workspace()
    file = project.root / workspace_key_path("prod")
    file.unlink()
    writer = create_manifest_writer(project, environment)
    stored = base64.b64encode(b"\x09" * 32).decode()
    tree = {"kind": "fingerprint-key", "secrets": {"fingerprint_key": Secret(stored)}}
    writer.create_file(project.fingerprint_key, tree)
    key_id = create_workspace_key(project, workspace, environment, lambda count: b"\x08" * count, AUTHOR)
    assert key_id == SigningKey(b"\x08" * 32).public_key.key_id


def test_the_author_is_user_and_host(tmp_path, environment):
    """And the date of today."""
    author = describe_author(tmp_path, {**environment, "LOGNAME": "carol"}, "why")
    assert author.by.startswith("carol@")
    assert (len(author.at), author.reason) == (10, "why")
