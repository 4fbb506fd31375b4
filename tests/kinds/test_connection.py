"""Connections: bodies with ids for references, tests, and records."""

import pytest

from keyturn.kinds import KINDS
from kinds_answers import Answer
from making import connection, credential, wanted

KIND = KINDS["connection"]
READER, STAGING = credential("reader"), credential("staging")
IDS = {READER: "cred_1", STAGING: "cred_2"}


def made():
    """Return a connection with both kinds of references."""
    config = {"host": "db", "staging": {"credentialId": STAGING, "bucket": "b"}}
    return wanted(connection("prod-x"), config, uses="reader")


def test_a_body_holds_ids():
    """References by name become ids, at the top and inside config."""
    assert KIND.encode(made(), IDS) == {
        "name": "prod-x",
        "type": "postgres",
        "config": {"host": "db", "staging": {"credentialId": "cred_2", "bucket": "b"}},
        "credentialId": "cred_1",
    }


def test_a_reference_without_an_id_is_not_sent():
    """A body with a hole never leaves."""
    with pytest.raises(KeyError):
        KIND.encode(made(), {READER: "cred_1"})


def test_a_category_is_passed_through():
    """Deployments that ask for a category get the one that is stated."""
    desired = made()
    fields = {("category",): "source", **desired.fields}
    assert KIND.encode_test("postgres", fields, IDS)["category"] == "source"


def test_a_test_body_needs_no_secret():
    """A test carries type, settings and the credential's id."""
    assert KIND.encode_test("postgres", made().fields, {**IDS, READER: "cred_probe"}) == {
        "type": "postgres",
        "config": {"host": "db", "staging": {"credentialId": "cred_2", "bucket": "b"}},
        "credentialId": "cred_probe",
    }


def test_live_fields_can_be_tested_as_they_are():
    """What was read holds ids already."""
    live = KIND.decode(Answer({"host": "db"}, type="postgres", credential_id="cred_9"))
    assert KIND.encode_test(live.type, live.fields, {}) == {
        "type": "postgres",
        "config": {"host": "db"},
        "credentialId": "cred_9",
    }


def test_a_record_is_read():
    """Settings, credential and category become fields; an absent one is absent."""
    live = KIND.decode(Answer({"host": "db"}, credential_id="cred_1", extra={"category": "source"}))
    assert live.address == connection("prod-x")
    assert live.fields == {("config", "host"): "db", ("credential",): "cred_1", ("category",): "source"}
    assert KIND.decode(Answer({"host": "db"})).fields == {("config", "host"): "db"}


def test_a_secret_in_an_answer_goes_no_further(canary):
    """A password that someone put into a connection is neither compared nor written back."""
    secret = canary()
    config = {"host": "db", "password": secret, "url": f"postgres://u:{secret}@db/x", "token": "********"}
    live = KIND.decode(Answer(config))
    assert live.fields == {("config", "host"): "db"}
    assert live.secret_like_paths == (("config", "password"), ("config", "url"), ("config", "token"))


def test_references_are_found():
    """Every reference with its path, and nothing else."""
    assert KIND.find_references(made().fields) == (
        (("credential",), READER),
        (("config", "staging", "credentialId"), STAGING),
    )


def test_what_the_client_took_out_is_reported():
    """A mask that never reached the fields is still known, so that nothing is written over it."""
    answer = Answer({"host": "db"}, type="postgres", hidden={("options", "token"): False})
    assert KINDS["connection"].decode(answer).secret_like_paths == (("config", "options", "token"),)
