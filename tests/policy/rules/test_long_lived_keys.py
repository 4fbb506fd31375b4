"""Keys that live until somebody deletes them."""

import pytest

from sample_policies import list_places, make_settings, run_policy_rules

TEXT = """\
kind: credential
name: prod-x
type: {type}
labels: {{environment: prod, system: x, owner: data, expires: "2029-01-01"}}
config: {{{config}}}
secrets: {{{secret}: ENC}}
"""
LOGIN = TEXT.format(type="database", config="host: x.abc.eu-west-1.rds.amazonaws.com", secret="password")
LINK = """\
kind: connection
name: prod-x
type: postgres
labels: {environment: prod, system: x, owner: data}
credential: prod-x
config: {sslMode: require}
"""


@pytest.mark.parametrize(
    ("code", "kind", "secret"),
    [
        ("KT330", "aws", "secret_access_key"),
        ("KT331", "gcp", "service_account_json"),
        ("KT332", "azure", "account_key"),
        ("KT332", "azure", "storage_key"),
        ("KT332", "azure", "connection_string"),
    ],
)
def test_a_long_lived_key_is_reported_at_its_field(code, kind, secret):
    """The field tells the type of the key."""
    text = TEXT.format(type=kind, config="", secret=secret)
    assert list_places(code, run_policy_rules(text, complete=False)) == ["prod-x:6:11"]


def test_temporary_keys_and_roles_are_accepted():
    """A session key expires; roles and client secrets are no long-lived keys."""
    session = TEXT.format(type="aws", config="", secret="secret_access_key: ENC, session_token")
    role = TEXT.format(type="aws", config="role_arn: arn", secret="external_id")
    principal = TEXT.format(type="azure", config="client_id: c", secret="client_secret")
    for text in (session, role, principal):
        assert run_policy_rules(text, complete=False) == ()


def test_short_lived_keys_may_be_required():
    """The setting turns the three warnings into errors, unless a level is stated."""
    text = TEXT.format(type="aws", config="", secret="secret_access_key")
    strict = {"short_lived": "required"}
    assert [
        one.severity.name
        for one in run_policy_rules(text, policy=make_settings(strict))
        if one.code == "KT330"
    ] == ["ERROR"]
    strict["rules"] = {"KT330": "note"}
    assert [
        one.severity.name
        for one in run_policy_rules(text, policy=make_settings(strict))
        if one.code == "KT330"
    ] == ["NOTE"]


def test_a_password_of_a_managed_database_is_reported_at_the_reference():
    """The connection would use another credential."""
    assert list_places("KT333", run_policy_rules(LOGIN, LINK)) == ["prod-x:5:13"]
    assert list_places("KT333", run_policy_rules(LOGIN.replace("rds.amazonaws", "acme"), LINK)) == []


SALES = """\
kind: connection
name: prod-x
type: salesforce
labels: {environment: prod, system: x, owner: data}
config: {authMode: oauth, username: integration@acme.com}
"""


def test_personal_consent_is_reported_at_the_mode():
    """JWT needs no browser."""
    assert list_places("KT334", run_policy_rules(SALES)) == ["prod-x:5:20"]
    assert list_places("KT334", run_policy_rules(SALES.replace("authMode: oauth, ", ""))) == ["prod-x:3:7"]
    assert list_places("KT334", run_policy_rules(SALES.replace("oauth", "jwt_bearer"))) == []


@pytest.mark.parametrize(
    ("account", "personal"),
    [
        ("jane.doe@acme.com", True),
        ("jane_doe@acme.com", True),
        ("svc.planasonix@acme.com", False),
        ("data.team@acme.com", False),
        ("jane@acme.com", False),
        ("svc_planasonix", False),
    ],
)
def test_a_personal_account_is_a_note(account, personal):
    """First and last name, and no word for a service."""
    text = SALES.replace("integration@acme.com", account)
    assert list_places("KT335", run_policy_rules(text)) == (["prod-x:5:37"] if personal else [])
