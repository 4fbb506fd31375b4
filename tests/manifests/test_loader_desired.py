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


def test_a_right_workspace_has_no_finding(shelf, reader):
    """Manifests come sorted by file, sealed, with what the rules see."""
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


def test_everything_that_is_wrong_is_found_at_once(shelf, reader):
    """Broken YAML, a broken manifest, a lost reference, two of a name: all in one run, sorted."""
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


def test_a_manifest_that_is_wrong_wants_nothing(shelf):
    """It has a finding and no part in the plan."""
    shelf.plain("typo", "kind: connection\nname: typo\ntype: postgres\nconfig: {hst: h}\n")
    loaded = shelf.load()
    assert loaded.desired == loaded.resource_views == ()


def test_a_secret_in_clear_is_found(shelf, canary):
    """The envelope is judged for each file; the value is in no finding."""
    path = shelf.plain("reader", READER.replace("WORD", canary()))
    canary.allow(path, "it is the point")
    loaded = shelf.load()
    assert ("KT201", "manifests/reader.yaml:5:1") in codes(loaded)


def test_a_missing_seal_weighs_what_policy_says(tmp_path, age_key, sops, reader):
    """Required: an error that is refused. Otherwise a warning."""
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


def test_an_encrypted_file_that_does_not_fit_is_doubtful(shelf, reader):
    """It wants nothing, and its seal can be asked whether it is a slip or worse."""
    path = shelf.sealed("reader", reader)
    path.write_text(path.read_text().replace("host:", "hots:"))
    loaded = shelf.load()
    assert codes(loaded) == [("KT131", "manifests/reader.yaml:5:5")]
    [doubtful] = loaded.invalid_sealed
    assert doubtful.address == Address("credential", "reader")
    assert doubtful.fields[("config", "hots")] == "db.example.com"


@pytest.mark.parametrize("empty", ['""', "null", "{}", "[]"])
def test_an_empty_value_in_an_encrypted_file_is_refused(shelf, reader, empty):
    """Sops leaves it out of its integrity check; in a plain file the schema alone speaks."""
    path = shelf.sealed("reader", reader)
    path.write_text(path.read_text().replace("config:\n", f"config:\n    proxy: {empty}\n"))
    assert shelf.accepts(path)
    assert ("KT255", "manifests/reader.yaml:5:5") in codes(shelf.load())


def test_an_empty_field_of_an_encrypted_file_is_said_once(shelf, reader):
    """The schema does not repeat what integrity says."""
    path = shelf.sealed("reader", reader)
    path.write_text(path.read_text().replace("config:\n", "config:\n    database: ''\n"))
    loaded = shelf.load()
    assert codes(loaded) == [("KT255", "manifests/reader.yaml:5:5")]
    assert loaded.desired == ()


@pytest.mark.parametrize("broken", ["kind: [\n", "kind: credential\nname: reader\ntype: databse\n"])
def test_what_refers_to_a_broken_file_is_not_lost(shelf, broken):
    """One fault, one finding: the reference itself is right."""
    shelf.plain("reader", broken)
    shelf.plain("postgres", POSTGRES)
    assert {each.origin.file for each in shelf.load().diagnostics} == {"manifests/reader.yaml"}


def test_an_empty_block_is_no_tampering(shelf, reader):
    """No labels are no labels."""
    shelf.sealed("reader", f"{reader}labels: {{}}\nwaive: []\n")
    assert shelf.load().diagnostics == ()


def test_one_file_can_be_looked_at_alone(shelf, reader):
    """What it refers to is looked for beside it, and nothing is said of other files."""
    shelf.sealed("reader", reader)
    shelf.plain("postgres", POSTGRES)
    shelf.plain("typo", "kind: connection\nname: typo\ntype: postgres\nconfig: {hst: h}\n")
    loaded = shelf.load("manifests/postgres.yaml")
    assert loaded.diagnostics == ()
    assert [each.address.name for each in loaded.desired] == ["postgres"]
    (shelf.root / "manifests" / "reader.yaml").unlink()
    assert codes(shelf.load("manifests/postgres.yaml")) == [("KT401", "manifests/postgres.yaml:4:13")]


def test_a_reference_to_a_file_beside_is_checked_by_type(shelf):
    """The type of a credential that is not looked at is still seen."""
    shelf.plain("reader", "kind: credential\nname: reader\ntype: oauth\n")
    shelf.plain("postgres", POSTGRES)
    assert codes(shelf.load("manifests/postgres.yaml")) == [("KT403", "manifests/postgres.yaml:4:13")]


def test_a_file_beside_that_is_no_yaml_is_no_target(shelf):
    """It is not this run's business, and nothing is known to be in it."""
    shelf.plain("reader", "kind: [\n")
    shelf.plain("postgres", POSTGRES)
    assert codes(shelf.load("manifests/postgres.yaml")) == [("KT401", "manifests/postgres.yaml:4:13")]


def test_a_workspace_can_be_read_as_a_commit_holds_it(shelf, reader):
    """Neither what was changed since nor what was added is seen."""
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
