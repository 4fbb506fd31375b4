"""Seals that everybody can verify: settings and connections."""

import pytest
from msgspec.structs import replace

from keyturn.files.discovery import SourceFile
from keyturn.manifests.connection_seal import sign_connection
from keyturn.manifests.manifest import build_manifest
from keyturn.manifests.readable_seals import check_readable_seals
from keyturn.model.diagnostic import Severity
from keyturn.project.project import read_project
from keyturn.project.workspace_key import SealAuthor, build_key_tree, workspace_key_path
from keyturn.trust.signing import SigningKey
from keyturn.yamldoc.reader import parse_document
from keyturn.yamldoc.scalars import emit_block

KEY, AUTHOR = SigningKey(bytes(range(32))), SealAuthor("alice@laptop", "2026-01-02")
PROJECT = """version: 1
workspaces:
  prod:
    base_url: https://api.example.com
    organization: org_a
    api_key: {env: PLANASONIX_API_KEY}
    manifests: [manifests/prod]
"""
CONNECTION = (
    b"kind: connection\nname: prod-pg\ntype: postgres\ncredential: prod-db\nconfig: {host: db.example.com}\n"
)


@pytest.fixture
def root(tmp_path):
    """Return a project whose settings are sealed."""
    (tmp_path / "keyturn.yaml").write_text(PROJECT)
    project = read_project(tmp_path)
    tree = build_key_tree(project, project.find_workspace(), bytes(range(32)), AUTHOR)
    file = tmp_path / workspace_key_path("prod")
    file.parent.mkdir(parents=True)
    file.write_text(emit_block({**tree, "secrets": {"key": "ENC[x]"}}))
    return tmp_path


@pytest.fixture
def connection(root):
    """Return a sealed connection."""
    source = SourceFile(root, "manifests/prod/prod-pg.yaml", "", CONNECTION)
    desired = build_manifest(source, parse_document(CONNECTION, source.relative)).desired
    return replace(desired, seal=sign_connection(desired, "prod", KEY, AUTHOR))


def check(root, *connections):
    """Return the codes, the severities and the files of the warnings."""
    project = read_project(root)
    found = check_readable_seals(project, project.find_workspace(), connections, {})
    return [(each.code, each.severity, each.origin.file) for each in found]


def test_valid_seals_give_nothing(root, connection):
    """Nor does a connection without a seal: whether it needs one depends on its credential."""
    assert check(root, connection, replace(connection, seal={})) == []


def test_a_changed_setting_is_a_warning(root):
    """An apply refuses it; a pull request may be waiting for its seal."""
    (root / "keyturn.yaml").write_text(PROJECT.replace("api.example.com", "evil.example.net"))
    assert check(root) == [("KT261", Severity.WARNING, "keyturn.yaml")]


def test_a_moved_connection_is_a_warning(root, connection):
    """Also one whose seal belongs to another key."""
    moved = replace(connection, fields={**connection.fields, ("config", "host"): "evil.example.net"})
    other = replace(connection, seal=sign_connection(connection, "prod", SigningKey(bytes(32)), AUTHOR))
    expected = ("KT263", Severity.WARNING, "manifests/prod/prod-pg.yaml")
    assert check(root, moved, other) == [expected, expected]


def test_a_damaged_key_is_an_error(root):
    """It is no reason to skip the check."""
    (root / workspace_key_path("prod")).write_text("kind: workspace-key\n")
    assert check(root) == [("KT262", Severity.ERROR, workspace_key_path("prod"))]


def test_a_workspace_without_a_key_has_no_seals(root, connection):
    """A seal there says nothing."""
    (root / workspace_key_path("prod")).unlink()
    assert check(root, replace(connection, seal={"serial": 1})) == []
