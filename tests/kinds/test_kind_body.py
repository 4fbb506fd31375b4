"""Settings on the wire and back: merged, identified, and without what looks like a secret."""

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


def test_settings_are_what_stands_below_config():
    """Their paths begin below it, references are ids, an empty config adds nothing."""
    assert encode_settings(FIELDS, {S3: "cred_1"}) == {("host",): "db", ("staging", "credentialId"): "cred_1"}


def test_a_leaf_is_sent_as_the_service_reads_it():
    """A reference as its id, everything else as it is."""
    assert resolve_reference(S3, {S3: "cred_1"}) == "cred_1"
    assert resolve_reference(["a"], {}) == ["a"]
    with pytest.raises(KeyError):
        resolve_reference(S3, {})


def test_secrets_join_the_settings(canary):
    """One tree, with the secrets still closed in it."""
    secret = Secret(canary())
    whole = merge_config(FIELDS, {("headers", "X-Key"): secret}, {S3: "cred_1"})
    assert whole == {"host": "db", "staging": {"credentialId": "cred_1"}, "headers": {"X-Key": secret}}


def test_a_sealed_secret_does_not_join():
    """Its digest is no value."""
    with pytest.raises(TypeError, match="encrypted"):
        merge_config(FIELDS, {("password",): EncryptedSecret("digest")}, {S3: "cred_1"})


def test_what_is_hidden_or_suspicious_is_dropped(canary):
    """By its name at the top, by its looks at any depth."""
    config = {"host": "db", "certificate": canary(), "options": {"token": canary(), "mode": "x"}, "id": "1"}
    fields, dropped = split_secrets(config, frozenset({"certificate"}))
    assert fields == {("config", "host"): "db", ("config", "options", "mode"): "x", ("config", "id"): "1"}
    assert dropped == (("config", "certificate"), ("config", "options", "token"))


def test_references_come_with_their_paths():
    """In the order of the fields."""
    assert find_references(FIELDS) == ((("credential",), S3), (("config", "staging", "credentialId"), S3))
