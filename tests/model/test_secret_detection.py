"""Detection of secrets by name, mask and value."""

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
def test_secret_names_are_detected(name):
    """Spelling and case do not matter."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_similar_names_are_not_secret(name):
    """The id, URL or path of a secret is not a secret."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value", ["********", "••••••", "abcd****", "xxxx", "<redacted>", "[hidden]", "(masked)", "***"]
)
def test_masks_are_detected(value):
    """A mask is not a value."""
    assert is_mask(value)


@pytest.mark.parametrize("value", ["", "**", "xx", "x.y.z", "redacted-reports", 5432, None, True, ["***"]])
def test_ordinary_values_are_no_masks(value):
    """Ordinary values are not detected."""
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
def test_secret_values_are_detected(value):
    """Private keys, known tokens and URLs with a password."""
    assert is_secret_value(value)


@pytest.mark.parametrize(
    "value", ["-----BEGIN CERTIFICATE-----", "https://db.example.com:5432/x", "svc@db", 1]
)
def test_ordinary_values_are_not_secret(value):
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
def test_possible_secrets_in_a_response(name, value):
    """By name, by mask or by value, at any depth."""
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
def test_ordinary_response(name, value):
    """A null or a boolean under the name of a secret contains no value."""
    assert not may_be_secret(name, value)


@given(st.from_regex(secret_detection._SECRET_VALUE_REGEX))
def test_fast_check_misses_no_secret(text):
    """Every value of the exact pattern matches the fast pattern."""
    assert secret_detection.is_secret_value(text)
