"""Credentials: request bodies and records."""

import pytest
from msgspec.structs import replace

from keyturn.kinds import KINDS
from keyturn.kinds.credential import SECRET_FIELDS
from keyturn.model.address import Address
from keyturn.model.resource import EncryptedSecret
from keyturn.model.secret import Secret
from keyturn.schema.definitions import list_known_types, load_type_schema
from sample_records import SampleRecord
from sample_resources import credential_address, make_desired

KIND = KINDS["credential"]


def test_body(canary):
    """Name, type, plain settings and secrets."""
    secret = canary()
    desired = make_desired(
        credential_address("prod-x"), {"host": "db", "port": 5432}, secrets={"password": secret}
    )
    body = KIND.encode(desired, {})
    assert body == {
        "name": "prod-x",
        "type": "database",
        "config": {"host": "db", "port": 5432, "password": Secret(secret)},
    }


def test_secret_headers_are_nested(canary):
    """A header is a key below ``headers``."""
    desired = make_desired(credential_address("x"), {"a": "b"})
    path = ("headers", "X-Api-Key")
    secret = Secret(canary())
    body = KIND.encode(replace(desired, secrets={path: secret}), {})
    assert body["config"]["headers"]["X-Api-Key"] == secret


def test_an_empty_config_is_sent():
    """A credential without plain settings has an empty config, not null."""
    desired = make_desired(credential_address("x"))
    assert KIND.encode(replace(desired, fields={("config",): {}}), {})["config"] == {}


def test_an_encrypted_secret_is_not_sent():
    """The digest must not be sent in place of the secret."""
    desired = make_desired(credential_address("x"), secrets={"password": "irrelevant"}, opened=False)
    assert isinstance(desired.secrets[("password",)], EncryptedSecret)
    with pytest.raises(TypeError, match="encrypted"):
        KIND.encode(desired, {})


def test_decode():
    """Plain settings become fields by path."""
    live = KIND.decode(SampleRecord({"host": "db", "port": 5432}))
    assert live.address == Address("credential", "prod-x")
    assert live.fields == {("config", "host"): "db", ("config", "port"): 5432}
    assert (live.id, live.status, live.has_config, live.secret_like_paths) == ("cred_1", "active", True, ())
    assert (live.created_at, live.updated_at) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")


def test_a_record_without_config():
    """A list item without config is marked."""
    live = KIND.decode(SampleRecord(None))
    assert (live.has_config, live.fields) == (False, {})


def test_a_record_without_status_is_active():
    """Some response formats have no status."""
    assert KIND.decode(SampleRecord({}, status="")).status == "active"
    assert KIND.decode(SampleRecord({}, status="deleted")).status == "deleted"


@pytest.mark.parametrize("name", sorted(SECRET_FIELDS | {"key_part", "dbPassword"}))
def test_a_secret_in_a_response_is_dropped(canary, name):
    """The path is reported and the value dropped."""
    secret = canary()
    live = KIND.decode(SampleRecord({"host": "db", name: secret}, type="api_key"))
    assert live.fields == {("config", "host"): "db"}
    assert live.secret_like_paths == (("config", name),)
    assert secret not in repr(live)


def test_a_mask_in_a_response_is_dropped():
    """A mask that is written back would become the password."""
    live = KIND.decode(SampleRecord({"host": "********", "options": {"a": "****"}}))
    assert (live.fields, live.secret_like_paths) == ({}, (("config", "host"), ("config", "options", "a")))


def test_secret_fields_match_the_schema():
    """The kind and its schema list the same secret fields."""
    blocks = [
        load_type_schema("credential", name)["properties"]["secrets"]["properties"]
        for name in list_known_types("credential")
    ]
    assert {name for block in blocks for name in block} - {"seal"} == SECRET_FIELDS
