"""One manifest, read two ways: for the rules, and for the plan."""

from pathlib import Path

import pytest

from keyturn.files.discovery import load_file
from keyturn.manifests.manifest import build_manifest, check_name, read_address
from keyturn.model.address import Address, SourceLocation
from keyturn.model.resource import EncryptedSecret, Lifecycle
from keyturn.yamldoc.reader import parse_document
from manifest_folder import LIFECYCLE_FIELDS, parse_manifest_text
from sample_resources import is_decrypted

CREDENTIAL = (
    """kind: credential
name: reader
type: database
labels: {environment: prod}
config:
  host: db
  port: 5432
  username: u
secrets:
  password: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]
  seal: ENC[AES256_GCM,data:Yg==,iv:YQ==,tag:YQ==,type:str]
"""
    + LIFECYCLE_FIELDS
)
CONNECTION = """kind: connection
name: x
type: snowflake
category: source
credential: reader
config: {account: a, staging: {credentialId: {ref: credential/s3}, bucket: b}, keywords: [1, 2]}
"""


def made(tmp_path: Path, text: str, name: str = "reader"):
    """Write a manifest and read it."""
    (tmp_path / "manifests").mkdir(exist_ok=True)
    (tmp_path / "manifests" / f"{name}.yaml").write_text(text)
    source = load_file(tmp_path, f"manifests/{name}.yaml")
    return build_manifest(source, parse_document(source.data, source.relative), "prod")


def test_a_credential_is_built_without_decryption(tmp_path):
    """Plain fields by path, secrets by ciphertext digest, without the seal."""
    desired = made(tmp_path, CREDENTIAL).desired
    assert desired.address == Address("credential", "reader")
    assert desired.fields == {("config", "host"): "db", ("config", "port"): 5432, ("config", "username"): "u"}
    assert list(desired.secrets) == list(desired.ciphertext_digests) == [("password",)]
    assert desired.secrets[("password",)] == EncryptedSecret(desired.ciphertext_digests[("password",)])
    assert not is_decrypted(desired)
    assert desired.kept_secrets == (("ssh_private_key",),)
    assert desired.destination_paths == {("config", "host"), ("config", "port")}
    assert (desired.labels, desired.origin) == (
        {"environment": "prod"},
        SourceLocation("manifests/reader.yaml", 1, 1),
    )


def test_the_lifecycle_is_read(tmp_path):
    """Weeks become days; a grace of 0 differs from an absent grace."""
    desired = made(tmp_path, CREDENTIAL).desired
    assert desired.lifecycle == Lifecycle(
        protect=True, moved_from="old-reader", max_age_days=84, strategy="replace", grace_days=0
    )
    assert made(tmp_path, CONNECTION, "x").desired.lifecycle == Lifecycle()


def test_references_are_addresses(tmp_path):
    """By name at the top, by ref inside config."""
    desired = made(tmp_path, CONNECTION, "x").desired
    assert desired.fields == {
        ("credential",): Address("credential", "reader"),
        ("category",): "source",
        ("config", "account"): "a",
        ("config", "staging", "credentialId"): Address("credential", "s3"),
        ("config", "staging", "bucket"): "b",
        ("config", "keywords"): [1, 2],
    }


def test_a_changed_ciphertext_has_another_digest(tmp_path):
    """The digest of the file is that of its bytes."""
    one = made(tmp_path, CREDENTIAL).desired
    other = made(tmp_path, CREDENTIAL.replace("data:YQ==", "data:Yg==")).desired
    assert one.ciphertext_digests != other.ciphertext_digests
    assert one.digest != other.digest


def test_a_secret_in_plain_text_has_no_digest(tmp_path):
    """The state would store the hash of a plain secret, which can be guessed."""
    both = made(tmp_path, CREDENTIAL.replace("ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]", "clear"))
    assert both.desired.ciphertext_digests == both.desired.secrets == {}
    assert both.resource_view.secret_paths == (("password",), ("ssh_private_key",))


def test_the_rules_read_the_plain_part(tmp_path):
    """Fields, references, names of secrets, waivers with their locations."""
    subject = made(tmp_path, CREDENTIAL).resource_view
    assert (subject.workspace, subject.file, subject.type) == ("prod", "manifests/reader.yaml", "database")
    assert subject.secret_paths == (("password",), ("ssh_private_key",))
    [waiver] = subject.waivers
    assert (waiver.rule, waiver.reason, str(subject.find_location(waiver.path))) == (
        "KT330",
        "because",
        "manifests/reader.yaml:17:12",
    )
    connection = made(tmp_path, CONNECTION, "x").resource_view
    assert list(connection.references) == [("credential",), ("config", "staging", "credentialId")]
    assert ("credential",) not in connection.config


def test_spans_are_computed_on_demand(tmp_path):
    """A file that changed since has no spans."""
    subject = made(tmp_path, CREDENTIAL).resource_view
    changed = made(tmp_path, CREDENTIAL).resource_view
    gone = made(tmp_path, CREDENTIAL).resource_view
    assert str(subject.find_location(("config", "port"))) == "manifests/reader.yaml:7:9"
    path = tmp_path / "manifests" / "reader.yaml"
    path.write_text("kind: credential\n")
    assert str(changed.find_location(("config", "port"))) == "manifests/reader.yaml"
    path.unlink()
    assert str(gone.find_location(("config", "port"))) == "manifests/reader.yaml"


def test_a_manifest_has_the_name_of_its_file():
    """Another name is KT141."""
    assert check_name(parse_manifest_text("kind: connection\nname: x\n")) == ()
    [finding] = check_name(parse_manifest_text("kind: connection\nname: prod-y\n"))
    assert (finding.code, str(finding.origin)) == ("KT141", "manifests/x.yaml:2:7")
    assert "prod-y" in finding.hint


def test_an_encrypted_file_with_another_name_is_an_integrity_error():
    """SOPS decrypts a copy like the original."""
    [finding] = check_name(parse_manifest_text("kind: credential\nname: z\nsops: {mac: x}\n"))
    assert finding.code == "KT254"


@pytest.mark.parametrize("text", ["kind: credential\n", "kind: credential\nname: [x]\n"])
def test_an_invalid_name_is_reported_by_the_schema(text):
    """It has no second diagnostic."""
    assert check_name(parse_manifest_text(text)) == ()


def test_the_address_is_read_without_validation():
    """An invalid manifest has an address, too."""
    assert read_address(parse_manifest_text("kind: a\nname: b\n")) == Address("a", "b")
