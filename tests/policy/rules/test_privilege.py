"""Roles and users that may do more than a pipeline needs."""

import pytest

from judging import judged, places, settings

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
def test_far_reaching_rights_are_found(config):
    """In each field that names a role, a user or a scope."""
    found = judged(TEXT.format(config=config), complete=False)
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
def test_narrow_rights_are_silent(config):
    """A word within a longer one is another word."""
    assert judged(TEXT.format(config=config), complete=False) == ()


def test_a_team_may_add_words():
    """Every house has its own almighty role."""
    text = TEXT.format(config="role: DWH_GOD")
    assert places("KT340", judged(text, policy=settings({"privileged": ["dwh_god"]}), complete=False)) == [
        "prod-x:5:16"
    ]


def test_the_message_says_the_word_and_nothing_else_of_the_value():
    """What stands beside the word may be anything."""
    found = judged(TEXT.format(config="role: 'hush hush ACCOUNTADMIN'"), complete=False)
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
def test_sharing_with_everybody_is_found(config, column):
    """However the switch is written."""
    assert places("KT341", judged(TEXT.format(config=config), complete=False)) == [f"prod-x:5:{column}"]


def test_sharing_with_a_team_is_silent():
    """A scope is what is wanted."""
    for config in ("global: false", "visibility: team", "global: maybe"):
        assert judged(TEXT.format(config=config), complete=False) == ()


def test_sharing_may_be_said_by_a_label():
    """The service has no field for it that is documented."""
    text = TEXT.format(config="").replace("owner: data", "owner: data, sharing: global")
    assert places("KT341", judged(text, complete=False)) == ["prod-x:4:62"]
