"""A workspace's files, loaded: everything found in one go, nothing decrypted."""

import os
import subprocess

import pytest

from keyturn.git.revision import Revision
from keyturn.manifests.loader import load_sources
from keyturn.model.address import Address
from keyturn.model.diagnostic import Severity
from keyturn.model.resource import EncryptedSecret
from manifest_folder import ManifestFolder

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
def manifest_folder(tmp_path, age_key, sops):
    """Return an empty project."""
    return ManifestFolder(tmp_path, age_key, sops)


@pytest.fixture
def reader(canary):
    """Return the text of a credential."""
    return READER.replace("WORD", f'"{canary()}"')


def codes(loaded):
    """Return each finding's code and place."""
    return [(each.code, str(each.origin)) for each in loaded.diagnostics]


def test_a_valid_workspace_has_no_diagnostics(manifest_folder, reader):
    """Manifests are sorted by file and stay encrypted."""
    manifest_folder.write_sealed("reader", reader)
    manifest_folder.write_plain("postgres", POSTGRES)
    loaded = manifest_folder.load()
    assert loaded.diagnostics == loaded.invalid_sealed == ()
    assert [each.address for each in loaded.desired] == [
        Address("connection", "postgres"),
        Address("credential", "reader"),
    ]
    assert isinstance(loaded.desired[1].secrets[("password",)], EncryptedSecret)
    assert [each.workspace for each in loaded.resource_views] == ["prod", "prod"]


def test_one_run_reports_all_errors(manifest_folder, reader):
    """Invalid YAML, invalid manifest, missing reference, duplicate name: sorted."""
    manifest_folder.write_sealed("reader", reader)
    manifest_folder.write_plain("broken", "kind: [\n")
    manifest_folder.write_plain(
        "other", POSTGRES.replace("name: postgres", "name: other").replace("reader", "raeder")
    )
    manifest_folder.write_plain("typo", "kind: connection\nname: typo\ntype: postgres\nconfig: {hst: h}\n")
    (manifest_folder.root / "manifests" / "again").mkdir()
    manifest_folder.write_plain("again/other", "kind: connection\nname: other\ntype: unheard\n")
    loaded = manifest_folder.load()
    assert codes(loaded) == [
        ("KT106", "manifests/broken.yaml:2:1"),
        ("KT142", "manifests/other.yaml:2:7"),
        ("KT401", "manifests/other.yaml:4:13"),
        ("KT131", "manifests/typo.yaml:4:10"),
    ]


def test_an_invalid_manifest_yields_no_resource(manifest_folder):
    """It has a diagnostic and is not part of the plan."""
    manifest_folder.write_plain("typo", "kind: connection\nname: typo\ntype: postgres\nconfig: {hst: h}\n")
    loaded = manifest_folder.load()
    assert loaded.desired == loaded.resource_views == ()


def test_a_secret_in_plain_text_is_reported(manifest_folder, canary):
    """The diagnostic does not contain the value."""
    path = manifest_folder.write_plain("reader", READER.replace("WORD", canary()))
    canary.allow(path, "it is the point")
    loaded = manifest_folder.load()
    assert ("KT201", "manifests/reader.yaml:5:1") in codes(loaded)


def test_policy_sets_the_severity_of_a_missing_seal(tmp_path, age_key, sops, reader):
    """Required: an error. Otherwise: a warning."""
    bare = reader.replace("  seal: SEAL\n", "")
    manifest_folder = ManifestFolder(tmp_path, age_key, sops)
    manifest_folder.write_sealed("reader", bare)
    [finding] = manifest_folder.load().diagnostics
    assert (finding.code, finding.severity, finding.origin.line) == ("KT250", Severity.ERROR, 8)
    (tmp_path / "keyturn.yaml").write_text(
        (tmp_path / "keyturn.yaml").read_text().replace("required", "warn")
    )
    [finding] = manifest_folder.load().diagnostics
    assert (finding.code, finding.severity) == ("KT250", Severity.WARNING)


def test_an_invalid_encrypted_file_can_have_its_seal_checked(manifest_folder, reader):
    """It yields no resource."""
    path = manifest_folder.write_sealed("reader", reader)
    path.write_text(path.read_text().replace("host:", "hots:"))
    loaded = manifest_folder.load()
    assert codes(loaded) == [("KT131", "manifests/reader.yaml:5:5")]
    [doubtful] = loaded.invalid_sealed
    assert doubtful.address == Address("credential", "reader")
    assert doubtful.fields[("config", "hots")] == "db.example.com"


@pytest.mark.parametrize("empty", ['""', "null", "{}", "[]"])
def test_an_empty_value_in_an_encrypted_file_is_an_error(manifest_folder, reader, empty):
    """The SOPS MAC does not cover it. In a plain file, only the schema reports it."""
    path = manifest_folder.write_sealed("reader", reader)
    path.write_text(path.read_text().replace("config:\n", f"config:\n    proxy: {empty}\n"))
    assert manifest_folder.is_decrypted_by_sops(path)
    assert ("KT255", "manifests/reader.yaml:5:5") in codes(manifest_folder.load())


def test_an_empty_field_of_an_encrypted_file_has_one_diagnostic(manifest_folder, reader):
    """The schema does not repeat the integrity error."""
    path = manifest_folder.write_sealed("reader", reader)
    path.write_text(path.read_text().replace("config:\n", "config:\n    database: ''\n"))
    loaded = manifest_folder.load()
    assert codes(loaded) == [("KT255", "manifests/reader.yaml:5:5")]
    assert loaded.desired == ()


@pytest.mark.parametrize("broken", ["kind: [\n", "kind: credential\nname: reader\ntype: databse\n"])
def test_a_reference_to_an_invalid_file_resolves(manifest_folder, broken):
    """One error has one diagnostic."""
    manifest_folder.write_plain("reader", broken)
    manifest_folder.write_plain("postgres", POSTGRES)
    assert {each.origin.file for each in manifest_folder.load().diagnostics} == {"manifests/reader.yaml"}


def test_an_empty_block_is_accepted(manifest_folder, reader):
    """No labels and empty labels are the same."""
    manifest_folder.write_sealed("reader", f"{reader}labels: {{}}\nwaive: []\n")
    assert manifest_folder.load().diagnostics == ()


def test_one_file_can_be_loaded_alone(manifest_folder, reader):
    """Other files are read only to resolve references."""
    manifest_folder.write_sealed("reader", reader)
    manifest_folder.write_plain("postgres", POSTGRES)
    manifest_folder.write_plain("typo", "kind: connection\nname: typo\ntype: postgres\nconfig: {hst: h}\n")
    loaded = manifest_folder.load("manifests/postgres.yaml")
    assert loaded.diagnostics == ()
    assert [each.address.name for each in loaded.desired] == ["postgres"]
    (manifest_folder.root / "manifests" / "reader.yaml").unlink()
    assert codes(manifest_folder.load("manifests/postgres.yaml")) == [
        ("KT401", "manifests/postgres.yaml:4:13")
    ]


def test_a_reference_to_another_file_is_checked_by_type(manifest_folder):
    """The type of a credential that is not selected is read."""
    manifest_folder.write_plain("reader", "kind: credential\nname: reader\ntype: oauth\n")
    manifest_folder.write_plain("postgres", POSTGRES)
    assert codes(manifest_folder.load("manifests/postgres.yaml")) == [
        ("KT403", "manifests/postgres.yaml:4:13")
    ]


def test_another_file_with_invalid_yaml_is_no_target(manifest_folder):
    """Its errors are not part of this run."""
    manifest_folder.write_plain("reader", "kind: [\n")
    manifest_folder.write_plain("postgres", POSTGRES)
    assert codes(manifest_folder.load("manifests/postgres.yaml")) == [
        ("KT401", "manifests/postgres.yaml:4:13")
    ]


def test_a_workspace_can_be_loaded_from_a_commit(manifest_folder, reader):
    """Later changes and files are absent."""
    manifest_folder.write_sealed("reader", reader)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=manifest_folder.root, check=True)
    manifest_folder.write_plain("reader", "kind: [\n")
    manifest_folder.write_plain("postgres", POSTGRES)
    project = manifest_folder.project
    workspace = project.find_workspace()
    commit = Revision(manifest_folder.root, "HEAD", dict(os.environ))
    then = load_sources(project.policy, workspace.name, commit.find_manifests(workspace.manifests).sources)
    assert then.diagnostics == ()
    assert [each.address for each in then.desired] == [Address("credential", "reader")]
