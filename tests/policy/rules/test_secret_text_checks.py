"""Opened secrets as text."""

import base64
import json

import pytest

from certificates import make_certificate
from sample_policies import list_places, make_decrypted_secrets, make_view, run_policy_rules

ACCOUNT_KEY = base64.b64encode(bytes(range(64))).decode()
REST = "private_key_id, private_key, client_email, token_uri"
AWS = {"access_key_id": "AKIAABCDEFGHIJKLMNOP", "secret_access_key": "aB3/" * 10}


def credential(kind="password", config="", **fields):
    """Return a credential of this type with these fields under secrets."""
    names = ", ".join(f"{name}: ENC" for name in fields)
    return make_view(
        f"kind: credential\nname: prod-x\ntype: {kind}\nlabels: {{expires: '2029-01-01'}}\n"
        f"config: {{{config}}}\nsecrets: {{{names}}}\n"
    )


def found(kind="password", config="", **fields):
    """Return the findings about these opened secrets that need them."""
    one = credential(kind, config, **fields)
    without = run_policy_rules(one)
    return tuple(
        each
        for each in run_policy_rules(one, secrets=make_decrypted_secrets(one, **fields))
        if each not in without
    )


def key_of(**changes):
    """Return a service account's JSON, with parts changed or (None) left out."""
    whole = {
        "type": "service_account",
        "project_id": "acme",
        "private_key_id": "1",
        "private_key": make_certificate().private(),
        "client_email": "loader@acme.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        **changes,
    }
    return json.dumps({name: part for name, part in whole.items() if part is not None})


@pytest.mark.parametrize("value", ["hunter22 ", "hunter22\n", " hunter22", "\thunter22"])
def test_surrounding_whitespace_is_reported(value):
    """A frequent reason for a failed login."""
    assert list_places("KT385", found(password=value)) == ["prod-x:6:11"]


def test_keys_and_json_may_end_with_a_newline():
    """As their tools write them."""
    assert list_places("KT385", found("database", private_key=make_certificate().private())) == []
    assert list_places("KT385", found("gcp", service_account_json=key_of() + "\n")) == []


@pytest.mark.parametrize(
    "value",
    ["changeme", "CHANGE_ME", "todo", "xxxx", "<password>", "${PASSWORD}", "{{ x }}", "your-password-here"],
)
def test_a_placeholder_is_reported(value):
    """Whole values only, in any case."""
    assert list_places("KT389", found(password=value)) == ["prod-x:6:11"]
    assert list_places("KT390", found(password=value)) == []


def test_a_part_of_a_secret_is_no_placeholder():
    """A passphrase may contain any word."""
    assert found(password="todo: change me often, xxx") == ()


def test_a_short_secret_is_a_note():
    """Seven characters are, eight are not."""
    assert [(one.code, one.severity.name) for one in found(password="aB3$xyz")] == [("KT390", "NOTE")]
    assert found(password="aB3$xyz8") == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"secret_access_key": "aB3/" * 9}, ["prod-x:6:31"]),
        (
            {"access_key_id": "aB3/" * 10, "secret_access_key": "AKIAABCDEFGHIJKLMNOP"},
            ["prod-x:6:11", "prod-x:6:31"],
        ),
    ],
)
def test_an_aws_key_has_a_format(change, expected):
    """A truncated key, and swapped fields."""
    assert list_places("KT384", found("aws", **{**AWS, **change})) == expected


@pytest.mark.parametrize(
    ("config", "fields", "expected"),
    [
        ("access_key_id: AKIAABCDEFGHIJKLMNOP", {"secret_access_key": ""}, []),
        ("access_key_id: AKIA", {"secret_access_key": ""}, ["prod-x:5:25"]),
        ("access_key_id: ASIAABCDEFGHIJKLMNOP", {"secret_access_key": ""}, ["prod-x:5:25"]),
        ("access_key_id: ASIAABCDEFGHIJKLMNOP", {"secret_access_key": "", "session_token": ""}, []),
    ],
)
def test_a_plain_id_of_an_aws_key_is_checked_without_a_key(config, fields, expected):
    """A temporary one needs its session's token."""
    assert list_places("KT384", run_policy_rules(credential("aws", config, **fields))) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "service_account_json is not a JSON object"),
        ("[]", "service_account_json is not a JSON object"),
        ("[" * 100_000, "service_account_json is not a JSON object"),
        ('{"type": "service_account", "project_id": "x"}', f"service_account_json lacks {REST}"),
        (key_of(token_uri=None), "service_account_json lacks token_uri"),
        (key_of(type="authorized_user"), "service_account_json is not JSON of type service_account"),
    ],
)
def test_service_account_json_is_complete(text, message):
    """The message names only what is missing."""
    assert [one.message for one in found("gcp", service_account_json=text) if one.code == "KT382"] == [
        message
    ]


def test_a_consistent_service_account_is_accepted():
    """The plain fields have the same values."""
    config = "project_id: acme, client_email: loader@acme.iam.gserviceaccount.com"
    assert found("gcp", config, service_account_json=key_of()) == ()


@pytest.mark.parametrize(
    ("config", "place"), [("project_id: other", "prod-x:5:22"), ("client_email: other", "prod-x:5:24")]
)
def test_a_contradiction_is_reported_at_the_plain_field(config, place):
    """Reviewers see only the plain field."""
    assert list_places("KT383", found("gcp", config, service_account_json=key_of())) == [place]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sas_token", "?sv=2024&se=2029-01-01T00:00:00Z&sig=abcdefgh", ""),
        ("sas_token", "sv=2024&si=policy&sig=abcdefgh", ""),
        ("sas_token", "sv=2024-01-01", "sas_token lacks sig, se"),
        ("connection_string", f"AccountName=acme;AccountKey={ACCOUNT_KEY};EndpointSuffix=core", ""),
        ("connection_string", "BlobEndpoint=x;SharedAccessSignature=sv=2024&se=2029-01-01&sig=abc", ""),
        (
            "connection_string",
            "DefaultEndpointsProtocol=https",
            "connection_string lacks AccountName, AccountKey",
        ),
        (
            "connection_string",
            f"AccountName=acme;AccountKey={ACCOUNT_KEY[:40]}",
            "connection_string has no account key of 64 bytes in base64",
        ),
        ("account_key", ACCOUNT_KEY, ""),
        ("account_key", "not base64!", "account_key has no account key of 64 bytes in base64"),
    ],
)
def test_an_azure_string_is_complete(field, value, message):
    """A string that is cut at a semicolon is not."""
    said = [one.message for one in found("azure", **{field: value}) if one.code == "KT386"]
    assert said == ([message] if message else [])


def test_a_field_of_another_type_is_not_checked():
    """Only Azure connection strings have these parts."""
    assert list_places("KT386", found("api_key", connection_string="anything-at-all")) == []


def test_a_kept_secret_is_not_checked():
    """Its value is unknown."""
    one = credential("aws", **AWS)
    assert list_places("KT384", run_policy_rules(one, secrets={one.file: {}})) == []
