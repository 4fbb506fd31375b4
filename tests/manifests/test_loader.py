"""A workspace's files, loaded: everything found in one go, nothing decrypted."""

import os
import subprocess

import pytest

from keyturn.git.revision import Revision
from keyturn.manifests.loader import load_manifests_at
from keyturn.model.address import Address
from keyturn.model.diagnostic import Severity
from keyturn.model.resource import EncryptedSecret
from shelf import Shelf

READER = """kind: credential
name: reader
type: database
config: {host: db.example.com, port: 5432, username: svc}
secrets:
  password: WORD
  seal: SEAL
"""
POSTGRES = (
    "kind: connection\nname: postgres\ntype: postgres\ncredential: reader\nconfig: {host: db.example.com}\n"
)


@pytest.fixture
def shelf(tmp_path, age_key, sops):
    """Return an empty project."""
    return Shelf(tmp_path, age_key, sops)


@pytest.fixture
def reader(canary):
    """Return the text of a credential."""
    return READER.replace("WORD", f'"{canary()}"')


def codes(loaded):
    """Return each finding's code and place."""
    return [(each.code, str(each.origin)) for each in loaded.diagnostics]


def test_a_valid_workspace_has_no_diagnostics(shelf, reader):
    """Manifests are sorted by file and stay encrypted."""
    shelf.sealed("reader", reader)
    shelf.plain("postgres", POSTGRES)
    loaded = shelf.load()
    assert loaded.diagnostics == loaded.invalid_sealed == ()
    assert [each.address for each in loaded.desired] == [
        Address("connection", "postgres"),
        Address("credential", "reader"),
    ]
    assert isinstance(loaded.desired[1].secrets[("password",)], EncryptedSecret)
    assert [each.workspace for each in loaded.resource_views] == ["prod", "prod"]


def test_one_run_reports_all_errors(shelf, reader):
    """Invalid YAML, invalid manifest, missing reference, duplicate name: sorted."""
    shelf.sealed("reader", reader)
    shelf.plain("broken", "kind: [\n")
    shelf.plain("other", POSTGRES.replace("name: postgres", "name: other").replace("reader", "raeder"))
    shelf.plain("typo", "kind: connection\nname: typo\ntype: postgres\nconfig: {hst: h}\n")
    (shelf.root / "manifests" / "again").mkdir()
    shelf.plain("again/other", "kind: connection\nname: other\ntype: unheard\n")
    loaded = shelf.load()
    assert codes(loaded) == [
        ("KT106", "manifests/broken.yaml:2:1"),
        ("KT142", "manifests/other.yaml:2:7"),
        ("KT401", "manifests/other.yaml:4:13"),
        ("KT131", "manifests/typo.yaml:4:10"),
    ]


def test_an_invalid_manifest_yields_no_resource(shelf):
    """It has a diagnostic and is not part of the plan."""
    shelf.plain("typo", "kind: connection\nname: typo\ntype: postgres\nconfig: {hst: h}\n")
    loaded = shelf.load()
    assert loaded.desired == loaded.resource_views == ()


def test_a_secret_in_plain_text_is_reported(shelf, canary):
    """The diagnostic does not contain the value."""
    path = shelf.plain("reader", READER.replace("WORD", canary()))
    canary.allow(path, "it is the point")
    loaded = shelf.load()
    assert ("KT201", "manifests/reader.yaml:5:1") in codes(loaded)


def test_policy_sets_the_severity_of_a_missing_seal(tmp_path, age_key, sops, reader):
    """Required: an error. Otherwise: a warning."""
    bare = reader.replace("  seal: SEAL\n", "")
    shelf = Shelf(tmp_path, age_key, sops)
    shelf.sealed("reader", bare)
    [finding] = shelf.load().diagnostics
    assert (finding.code, finding.severity, finding.origin.line) == ("KT250", Severity.ERROR, 8)
    (tmp_path / "keyturn.yaml").write_text(
        (tmp_path / "keyturn.yaml").read_text().replace("required", "warn")
    )
    [finding] = shelf.load().diagnostics
    assert (finding.code, finding.severity) == ("KT250", Severity.WARNING)


def test_an_invalid_encrypted_file_can_have_its_seal_checked(shelf, reader):
    """It yields no resource."""
    path = shelf.sealed("reader", reader)
    path.write_text(path.read_text().replace("host:", "hots:"))
    loaded = shelf.load()
    assert codes(loaded) == [("KT131", "manifests/reader.yaml:5:5")]
    [doubtful] = loaded.invalid_sealed
    assert doubtful.address == Address("credential", "reader")
    assert doubtful.fields[("config", "hots")] == "db.example.com"


@pytest.mark.parametrize("empty", ['""', "null", "{}", "[]"])
def test_an_empty_value_in_an_encrypted_file_is_an_error(shelf, reader, empty):
    """The SOPS MAC does not cover it. In a plain file, only the schema reports it."""
    path = shelf.sealed("reader", reader)
    path.write_text(path.read_text().replace("config:\n", f"config:\n    proxy: {empty}\n"))
    assert shelf.accepts(path)
    assert ("KT255", "manifests/reader.yaml:5:5") in codes(shelf.load())


def test_an_empty_field_of_an_encrypted_file_has_one_diagnostic(shelf, reader):
    """The schema does not repeat the integrity error."""
    path = shelf.sealed("reader", reader)
    path.write_text(path.read_text().replace("config:\n", "config:\n    database: ''\n"))
    loaded = shelf.load()
    assert codes(loaded) == [("KT255", "manifests/reader.yaml:5:5")]
    assert loaded.desired == ()


@pytest.mark.parametrize("broken", ["kind: [\n", "kind: credential\nname: reader\ntype: databse\n"])
def test_a_reference_to_an_invalid_file_resolves(shelf, broken):
    """One error has one diagnostic."""
    shelf.plain("reader", broken)
    shelf.plain("postgres", POSTGRES)
    assert {each.origin.file for each in shelf.load().diagnostics} == {"manifests/reader.yaml"}


def test_an_empty_block_is_accepted(shelf, reader):
    """No labels and empty labels are the same."""
    shelf.sealed("reader", f"{reader}labels: {{}}\nwaive: []\n")
    assert shelf.load().diagnostics == ()


def test_one_file_can_be_loaded_alone(shelf, reader):
    """Other files are read only to resolve references."""
    shelf.sealed("reader", reader)
    shelf.plain("postgres", POSTGRES)
    shelf.plain("typo", "kind: connection\nname: typo\ntype: postgres\nconfig: {hst: h}\n")
    loaded = shelf.load("manifests/postgres.yaml")
    assert loaded.diagnostics == ()
    assert [each.address.name for each in loaded.desired] == ["postgres"]
    (shelf.root / "manifests" / "reader.yaml").unlink()
    assert codes(shelf.load("manifests/postgres.yaml")) == [("KT401", "manifests/postgres.yaml:4:13")]


def test_a_reference_to_another_file_is_checked_by_type(shelf):
    """The type of a credential that is not selected is read."""
    shelf.plain("reader", "kind: credential\nname: reader\ntype: oauth\n")
    shelf.plain("postgres", POSTGRES)
    assert codes(shelf.load("manifests/postgres.yaml")) == [("KT403", "manifests/postgres.yaml:4:13")]


def test_another_file_with_invalid_yaml_is_no_target(shelf):
    """Its errors are not part of this run."""
    shelf.plain("reader", "kind: [\n")
    shelf.plain("postgres", POSTGRES)
    assert codes(shelf.load("manifests/postgres.yaml")) == [("KT401", "manifests/postgres.yaml:4:13")]


def test_a_workspace_can_be_loaded_from_a_commit(shelf, reader):
    """Later changes and files are absent."""
    shelf.sealed("reader", reader)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=shelf.root, check=True)
    shelf.plain("reader", "kind: [\n")
    shelf.plain("postgres", POSTGRES)
    project = shelf.project
    then = load_manifests_at(
        project, project.find_workspace(), Revision(shelf.root, "HEAD", dict(os.environ))
    )
    assert then.diagnostics == ()
    assert [each.address for each in then.desired] == [Address("credential", "reader")]
