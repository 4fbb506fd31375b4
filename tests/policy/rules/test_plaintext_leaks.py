"""Secrets that stand where everybody can read them."""

import pytest

from sample_policies import list_places, run_policy_rules

TEXT = """\
kind: connection
name: prod-x
type: rest_api
labels: {{environment: prod, system: x, owner: data}}
config:
  {config}
"""
RANDOM = "9fQ2xLkV7pTzRb3WmYc8HdNe"
TOKENS = [
    "plnx_live_" + RANDOM,
    "plx_test_" + RANDOM,
    "flx_" + RANDOM,
    "plnx_rt_" + RANDOM,
    "plnx_enroll_" + RANDOM,
    "whsec_" + RANDOM,
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + RANDOM + RANDOM[:12],
    "glpat-" + RANDOM,
    "xoxb-" + RANDOM,
    "sk_live_" + RANDOM,
    "sk-ant-" + RANDOM,
    "AIza" + RANDOM + RANDOM[:11],
    "dapi" + "0123456789abcdef" * 2,
    "hvs." + RANDOM,
    "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2,
]


def write(config):
    """Return a connection with this line of settings."""
    return TEXT.format(config=config)


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ("password: hunter22", "6:3"),
        ("apiKey: abc", "6:3"),
        ("headers: {X-Api-Key: abc}", "6:13"),
        ("headers: {Authorization: abc}", "6:13"),
        ("headers: {Cookie: abc}", "6:13"),
        ("headers: [{name: X-Api-Key, value: abc}]", "6:31"),
        ("topics: [{clientSecret: abc}]", "6:13"),
    ],
)
def test_a_field_with_the_name_of_a_secret_is_reported(config, place):
    """Anywhere in the settings."""
    found = run_policy_rules(write(config), complete=False)
    assert list_places("KT370", found) == [f"prod-x:{place}"]
    assert [one.code for one in found] == ["KT370"]


@pytest.mark.parametrize(
    "config",
    [
        "tokenUrl: 'https://id.acme.com/token'",
        "password: ''",
        "maxTokens: 4096",
        "partitionKey: id",
        "headers: {Accept: application/json}",
        "headers: [{name: Accept, value: application/json}]",
        "credentialId: {ref: credential/prod-y}",
    ],
)
def test_a_field_with_a_similar_name_is_accepted(config):
    """Names that only resemble one."""
    assert run_policy_rules(write(config), complete=False) == ()


@pytest.mark.parametrize("token", TOKENS)
def test_a_known_token_is_reported_without_its_value(token):
    """In a value, in a longer text, and as the name of a field."""
    for config in (f"note: '{token}'", f"note: 'use {token} for now'", f"'{token}': x"):
        found = run_policy_rules(write(config), complete=False)
        assert [one.code for one in found] == ["KT371"]
        assert not any(token[:12] in one.message + one.hint for one in found)


def test_the_id_of_an_aws_key_may_stand_in_its_own_field():
    """By AWS's own convention the id is no secret."""
    assert (
        list_places("KT371", run_policy_rules(write("access_key_id: AKIAABCDEFGHIJKLMNOP"), complete=False))
        == []
    )


def test_random_text_is_a_warning_at_its_token():
    """A guess, said as one."""
    found = run_policy_rules(write(f"note: {RANDOM}"), complete=False)
    assert [(one.code, one.severity.name, one.origin.column) for one in found] == [("KT372", "WARNING", 9)]
    assert RANDOM not in found[0].message


@pytest.mark.parametrize(
    "config",
    [
        f"client_id: {RANDOM}",
        f"knownHosts: 'bastion ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{RANDOM}'",
        f"hostKeyFingerprint: 'SHA256:{RANDOM}'",
        "tenantId: 0f8fad5b-d9cb-469f-a165-70867728950e",
        "roleArn: 'arn:aws:iam::123456789012:role/PlanasonixReaderForAnalytics2024'",
        "httpPath: /sql/1.0/warehouses/abcdef0123456789",
        "host: xy12345.us-east-1.privatelink.snowflakecomputing.com",
        "bucket: acme-landing-zone-eu-west-1-production-2024",
        "url: 'https://acme.cloud.databricks.com/?o=1234567890123456'",
        "query: SelectTheNewestOrdersOfEachCustomer",
    ],
)
def test_ordinary_text_does_not_look_random(config):
    """Public identifiers, names and URLs."""
    assert list_places("KT372", run_policy_rules(write(config), complete=False)) == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("KT373", "-----BEGIN PRIVATE KEY----- MIIE"),
        ("KT373", "-----BEGIN OPENSSH PRIVATE KEY----- b3Bl"),
        ("KT373", "PuTTY-User-Key-File-3: ssh-ed25519"),
        ("KT374", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9mLWl0"),
        ("KT375", "postgres://app:hunter22@db.acme.com/x"),
        ("KT375", "Server=db;Database=x;Uid=app;Pwd=hunter22;"),
        ("KT375", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=aGVsbG8="),
        ("KT375", "https://a.blob.core.windows.net/c?sv=2024&sig=aGVsbG8"),
    ],
)
def test_secrets_by_their_form_are_found_once(code, text):
    """In a field whose name says nothing, and in one whose name says it too."""
    for name in ("note", "connectionString"):
        found = run_policy_rules(write(f"{name}: '{text}'"), complete=False)
        assert [one.code for one in found] == [code]
        assert found[0].origin.line == 6


@pytest.mark.parametrize(
    "text",
    [
        "jdbc:postgresql://db:5432/x?user=app",
        "https://acme.com/a:b@c",
        "Server=db;Pwd=${password};",
        "a=b;c=d",
    ],
)
def test_urls_without_a_password_are_accepted(text):
    """A placeholder is no password."""
    assert list_places("KT375", run_policy_rules(write(f"note: '{text}'"), complete=False)) == []


def test_lists_and_labels_are_searched():
    """As plain fields."""
    token = TOKENS[0]
    found = run_policy_rules(write(f"topics: [a, {{deep: [b, {token}]}}]"), complete=False)
    assert [one.message for one in found] == ["deep contains text in the format of a token"]
    labelled = write("a: b").replace("owner: data", f"owner: {token}")
    assert list_places("KT371", run_policy_rules(labelled, complete=False)) == ["prod-x:4:47"]
