"""Request bodies and live settings."""

import pytest

from keyturn.kinds.kind import (
    encode_settings,
    find_references,
    merge_config,
    resolve_reference,
    split_secrets,
)
from keyturn.model.address import Address
from keyturn.model.resource import EncryptedSecret
from keyturn.model.secret import Secret

S3 = Address("credential", "s3")
FIELDS = {
    ("credential",): S3,
    ("config", "host"): "db",
    ("config", "staging", "credentialId"): S3,
    ("config",): {},
}


def test_settings_are_below_config():
    """Paths are relative to config, and references are ids."""
    assert encode_settings(FIELDS, {S3: "cred_1"}) == {("host",): "db", ("staging", "credentialId"): "cred_1"}


def test_references_are_resolved():
    """A reference becomes its id; other leaves are unchanged."""
    assert resolve_reference(S3, {S3: "cred_1"}) == "cred_1"
    assert resolve_reference(["a"], {}) == ["a"]
    with pytest.raises(KeyError):
        resolve_reference(S3, {})


def test_secrets_are_merged_into_the_settings(canary):
    """The secrets stay opaque."""
    secret = Secret(canary())
    whole = merge_config(FIELDS, {("headers", "X-Key"): secret}, {S3: "cred_1"})
    assert whole == {"host": "db", "staging": {"credentialId": "cred_1"}, "headers": {"X-Key": secret}}


def test_an_encrypted_secret_is_not_merged():
    """The digest is not a value."""
    with pytest.raises(TypeError, match="encrypted"):
        merge_config(FIELDS, {("password",): EncryptedSecret("digest")}, {S3: "cred_1"})


def test_possible_secrets_are_dropped(canary):
    """Named fields at the top level, and detected secrets at any depth."""
    config = {"host": "db", "certificate": canary(), "options": {"token": canary(), "mode": "x"}, "id": "1"}
    fields, dropped = split_secrets(config, frozenset({"certificate"}))
    assert fields == {("config", "host"): "db", ("config", "options", "mode"): "x", ("config", "id"): "1"}
    assert dropped == (("config", "certificate"), ("config", "options", "token"))


def test_references_come_with_their_paths():
    """In the order of the fields."""
    assert find_references(FIELDS) == ((("credential",), S3), (("config", "staging", "credentialId"), S3))
