"""What looks like a secret: names, masks, telling values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model import secret_detection
from keyturn.model.secret_detection import is_mask, is_secret_name, is_secret_value, may_be_secret

SECRET = """
    password dbPassword DB_PASSWORD passwd pwd passphrase keyPassphrase token accessToken tokens
    secret clientSecret secretkey apiKey api-key api_key apikey X-Api-Key private_key privateKey
    secret_access_key accountKey storage_key connectionString sas sasUrl SAS_URI sas_token
    authorization Authorization bearerToken refresh_token
"""
HARMLESS = """
    key keyspace primaryKey token_url tokenUrl access_key_id accessKeyId secretName secretArn
    credentialId privateKeyPath authorization_url tokenizer secretary passenger compass canvasUrl
    tokenType passwordPolicy passwordRequired host port account username id name secretId
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_names_of_secrets_are_known(name):
    """Whatever its spelling, the name of a secret is seen."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_names_beside_secrets_are_left_alone(name):
    """An id, a URL or a path that belongs to a secret is not one."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value", ["********", "••••••", "abcd****", "xxxx", "<redacted>", "[hidden]", "(masked)", "***"]
)
def test_masks_are_known(value):
    """A mask is never taken for a value."""
    assert is_mask(value)


@pytest.mark.parametrize("value", ["", "**", "xx", "x.y.z", "redacted-reports", 5432, None, True, ["***"]])
def test_values_are_not_taken_for_masks(value):
    """Ordinary values pass."""
    assert not is_mask(value)


@pytest.mark.parametrize(
    "value",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
        "-----BEGIN PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        "AGE-SECRET-KEY-1ABC",
        "plnx_live_abc",
        "postgres://reader:pass@db/x",
        "glpat-abc",
    ],
)
def test_values_that_give_themselves_away_are_known(value):
    """A private key, a token of a known form, a URL with a password."""
    assert is_secret_value(value)


@pytest.mark.parametrize(
    "value", ["-----BEGIN CERTIFICATE-----", "https://db.example.com:5432/x", "svc@db", 1]
)
def test_plain_values_do_not(value):
    """A certificate and a URL without a password are plain."""
    assert not is_secret_value(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "x"),
        ("host", "********"),
        ("jdbcUrl", "jdbc:postgresql://u:p@db/x"),
        ("options", {"inner": {"token": "t"}}),
        ("hosts", ["db", "****"]),
        ("tokens", [{"value": "t"}]),
    ],
)
def test_an_answer_that_may_hold_a_secret_is_suspicious(name, value):
    """By name, by mask or by value, however deep."""
    assert may_be_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", None),
        ("password", True),
        ("host", "db"),
        ("staging", {"credentialId": "cred_1"}),
        ("port", 1),
    ],
)
def test_an_ordinary_answer_is_not(name, value):
    """A null or a flag under a secret's name says only that there is one."""
    assert not may_be_secret(name, value)


@given(st.from_regex(secret_detection._SECRET_VALUE_REGEX))  # the quick question is held to the exact one
def test_no_secret_is_passed_over_in_haste(text):
    """Whatever gives itself away holds one of the marks that are looked for first."""
    assert secret_detection.is_secret_value(text)
