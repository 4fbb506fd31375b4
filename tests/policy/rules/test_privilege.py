"""Roles and users that may do more than a pipeline needs."""

import pytest

from sample_policies import list_places, make_settings, run_policy_rules

TEXT = """\
kind: credential
name: prod-x
type: database
labels: {{environment: prod, system: x, owner: data}}
config: {{{config}}}
"""


@pytest.mark.parametrize(
    "config",
    [
        "role: ACCOUNTADMIN",
        "role: sysadmin",
        "username: sa",
        "username: root",
        "username: postgres",
        "username: SYS as SYSDBA",
        "role: db_owner",
        "role: roles/editor",
        "roles: [reader, db_owner]",
        "role_arn: 'arn:aws:iam::1:role/AdministratorAccess'",
        "role_chain: ['arn:aws:iam::1:role/reader', 'arn:aws:iam::1:role/PowerUserAccess']",
        "scopes: [api, full]",
        "scopes: refresh_token full",
        "nested: {databaseRole: superuser}",
    ],
)
def test_broad_privileges_are_reported(config):
    """In each field with a role, a user or a scope."""
    found = run_policy_rules(TEXT.format(config=config), complete=False)
    assert [(one.code, one.origin.line) for one in found] == [("KT340", 5)]


@pytest.mark.parametrize(
    "config",
    [
        "role: LOADER",
        "username: svc_planasonix",
        "username: sales",
        "role: admin_reports_reader",
        "role_arn: 'arn:aws:iam::1:role/loader'",
        "scopes: [api, refresh_token]",
        "port: 5432",
    ],
)
def test_narrow_privileges_are_accepted(config):
    """A part of a longer word does not count."""
    assert run_policy_rules(TEXT.format(config=config), complete=False) == ()


def test_settings_add_privileged_roles():
    """Roles of the project."""
    text = TEXT.format(config="role: DWH_GOD")
    assert list_places(
        "KT340", run_policy_rules(text, policy=make_settings({"privileged": ["dwh_god"]}), complete=False)
    ) == ["prod-x:5:16"]


def test_the_message_has_only_the_word():
    """The rest of the value may be a secret."""
    found = run_policy_rules(TEXT.format(config="role: 'hush hush ACCOUNTADMIN'"), complete=False)
    assert [one.message for one in found] == ["role has broad privileges: accountadmin"]


@pytest.mark.parametrize(
    ("config", "column"),
    [
        ("global: true", 18),
        ("global: 'yes'", 18),
        ("visibility: organization", 22),
        ("sharing: Everyone", 19),
    ],
)
def test_sharing_with_everyone_is_reported(config, column):
    """In every spelling of the switch."""
    assert list_places("KT341", run_policy_rules(TEXT.format(config=config), complete=False)) == [
        f"prod-x:5:{column}"
    ]


def test_sharing_with_a_team_is_accepted():
    """A limited scope."""
    for config in ("global: false", "visibility: team", "global: maybe"):
        assert run_policy_rules(TEXT.format(config=config), complete=False) == ()


def test_a_label_may_declare_sharing():
    """The service documents no field for it."""
    text = TEXT.format(config="").replace("owner: data", "owner: data, sharing: global")
    assert list_places("KT341", run_policy_rules(text, complete=False)) == ["prod-x:4:62"]
