"""Connectors whose names are slips of the pen."""

import pytest

from keyturn.schema.definitions import list_known_types
from sample_policies import list_places, make_settings, run_policy_rules

KNOWN = list_known_types("connection")
TEXT = "kind: connection\nname: prod-db\ntype: {}\nlabels: {{environment: prod, system: db, owner: data}}\n"


def found(name, text=TEXT, **known):
    """Return what is said of a connector's name, as place and hint."""
    told = run_policy_rules(text.format(name), **{"connectors": KNOWN, **known})
    return [(str(each.origin).rpartition("/")[2], each.hint) for each in told if each.code == "KT316"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("postgers", "postgres"),
        ("postgresql", "postgres"),
        ("snowflke", "snowflake"),
        ("oralce", "oracle"),
        ("googleads", "google_ads"),
        ("rest-api", "rest_api"),
        ("kafak", "kafka"),
        ("mssql", "sqlserver"),
        ("mongo", "mongodb"),
    ],
)
def test_a_misspelled_connector_is_reported(name, meant):
    """With the nearest name."""
    assert found(name) == [("prod-db.yaml:3:7", f"did you mean {meant}?")]


@pytest.mark.parametrize(
    "name", ["zendesk", "mariadb", "ftps", "redis", "s4", "gcp", "azure_openai", "dynamodb", "x", "dropbox"]
)
def test_other_connectors_are_accepted(name):
    """The service has more connectors than the known ones."""
    assert found(name) == []


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_connector_is_accepted(name):
    """Even with a name near another one."""
    assert found(name) == []


def test_it_can_be_turned_off_and_waived():
    """As any rule."""
    assert found("postgers", policy=make_settings({"rules": {"KT316": "off"}})) == []
    assert found("postgers", TEXT + "waive: [{{rule: KT316, reason: ours is called so}}]\n") == []


def test_credentials_have_no_connector():
    """And without a list of connectors nothing is said."""
    assert found("databasse", TEXT.replace("connection", "credential")) == []
    assert found("postgers", connectors=()) == []
    assert list_places("KT316", run_policy_rules(TEXT.format("postgers"))) == []
