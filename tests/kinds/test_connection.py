"""Connections: request bodies and records."""

import pytest

from keyturn.kinds import KINDS
from sample_records import SampleRecord
from sample_resources import connection_address, credential_address, make_desired

KIND = KINDS["connection"]
READER, STAGING = credential_address("reader"), credential_address("staging")
IDS = {READER: "cred_1", STAGING: "cred_2"}


def make_connection():
    """Return a connection with both kinds of references."""
    config = {"host": "db", "staging": {"credentialId": STAGING, "bucket": "b"}}
    return make_desired(connection_address("prod-x"), config, uses="reader")


def test_a_body_contains_ids():
    """References become ids, at the top level and inside config."""
    assert KIND.encode(make_connection(), IDS) == {
        "name": "prod-x",
        "type": "postgres",
        "config": {"host": "db", "staging": {"credentialId": "cred_2", "bucket": "b"}},
        "credentialId": "cred_1",
    }


def test_a_reference_without_an_id_raises():
    """An incomplete body is not sent."""
    with pytest.raises(KeyError):
        KIND.encode(make_connection(), {READER: "cred_1"})


def test_a_category_is_sent():
    """Some deployments need a category."""
    desired = make_connection()
    fields = {("category",): "source", **desired.fields}
    assert KIND.encode_test("postgres", fields, IDS)["category"] == "source"


def test_a_test_body_needs_no_secret():
    """A test has type, settings and the id of the credential."""
    assert KIND.encode_test("postgres", make_connection().fields, {**IDS, READER: "cred_probe"}) == {
        "type": "postgres",
        "config": {"host": "db", "staging": {"credentialId": "cred_2", "bucket": "b"}},
        "credentialId": "cred_probe",
    }


def test_live_fields_can_be_tested():
    """Live fields already contain ids."""
    live = KIND.decode(SampleRecord({"host": "db"}, type="postgres", credential_id="cred_9"))
    assert KIND.encode_test(live.type, live.fields, {}) == {
        "type": "postgres",
        "config": {"host": "db"},
        "credentialId": "cred_9",
    }


def test_decode():
    """Settings, credential and category become fields."""
    live = KIND.decode(SampleRecord({"host": "db"}, credential_id="cred_1", extra={"category": "source"}))
    assert live.address == connection_address("prod-x")
    assert live.fields == {("config", "host"): "db", ("credential",): "cred_1", ("category",): "source"}
    assert KIND.decode(SampleRecord({"host": "db"})).fields == {("config", "host"): "db"}


def test_a_secret_in_a_response_is_dropped(canary):
    """A password in a connection is neither compared nor written back."""
    secret = canary()
    config = {"host": "db", "password": secret, "url": f"postgres://u:{secret}@db/x", "token": "********"}
    live = KIND.decode(SampleRecord(config))
    assert live.fields == {("config", "host"): "db"}
    assert live.secret_like_paths == (("config", "password"), ("config", "url"), ("config", "token"))


def test_references_are_found():
    """Every reference with its path."""
    assert KIND.find_references(make_connection().fields) == (
        (("credential",), READER),
        (("config", "staging", "credentialId"), STAGING),
    )


def test_paths_that_the_client_removed_are_reported():
    """A removed mask is reported, so that nothing is written over it."""
    answer = SampleRecord({"host": "db"}, type="postgres", hidden={("options", "token"): False})
    assert KINDS["connection"].decode(answer).secret_like_paths == (("config", "options", "token"),)
