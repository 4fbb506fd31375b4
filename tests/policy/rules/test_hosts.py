"""Which host is meant, where it stands, and whether anybody uses it."""

import pytest

from sample_policies import list_places, run_policy_rules

LOGIN = """\
kind: credential
name: prod-db
type: database
labels: {environment: prod, system: db, owner: data}
config: {engine: postgresql, host: db.acme.com}
"""
LINK = """\
kind: connection
name: prod-db
type: postgres
labels: {environment: prod, system: db, owner: data}
credential: prod-db
config: {host: db.acme.com, port: 5432, sslMode: require}
"""
REPLICA = LINK.replace("name: prod-db", "name: prod-db-replica")
LAKE = """\
kind: connection
name: prod-lake
type: s3
labels: {environment: prod, system: lake, owner: data, residency: eu}
config: {bucket: landing, region: eu-west-1}
"""


def test_consistent_manifests_are_accepted():
    """The same host on both sides, and every credential in use."""
    assert run_policy_rules(LOGIN, LINK, LAKE) == ()


@pytest.mark.parametrize(
    ("code", "texts", "expected"),
    [
        ("KT364", [LOGIN, LINK.replace("db.acme.com", "db.other.com")], ["prod-db:6:16"]),
        ("KT364", [LOGIN, LINK.replace("db.acme.com", "db.acme.com.other.io")], ["prod-db:6:16"]),
        ("KT365", [LOGIN, LAKE], ["prod-db:2:7"]),
        ("KT367", [LAKE.replace("eu-west", "us-east")], ["prod-lake:5:35"]),
        ("KT367", [LAKE.replace("landing", "'landing-a,landing-b'")], ["prod-lake:5:18"]),
        ("KT367", [LAKE.replace("landing", "[a, b]")], ["prod-lake:5:18"]),
        (
            "KT368",
            [LOGIN, LINK, REPLICA],
            ["prod-db-replica:6:16"],
        ),
    ],
)
def test_a_violation_has_its_location(code, texts, expected):
    """Each rule reports the value to change."""
    assert list_places(code, run_policy_rules(*texts)) == expected


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("xy12345.us-east-1.snowflakecomputing.com", "xy12345.us-east-1"),
        ("https://xy12345.us-east-1.snowflakecomputing.com/", "XY12345.us-east-1"),
        ("xy12345.us-east-1.snowflakecomputing.com.", "xy12345"),
    ],
)
def test_a_snowflake_account_is_its_host(stated, meant):
    """The credential has the host, the connection the account."""
    link = LINK.replace("type: postgres", "type: snowflake").replace("host: db.acme.com", f"account: {meant}")
    assert list_places("KT364", run_policy_rules(LOGIN.replace("db.acme.com", stated), link)) == []


@pytest.mark.parametrize(
    "host", ["DB.acme.com", "db.acme.com:5432", "postgres://db.acme.com/x", "db.acme.com."]
)
def test_a_host_has_several_spellings(host):
    """Case, port, scheme and trailing dot do not matter."""
    assert (
        list_places("KT364", run_policy_rules(LOGIN, LINK.replace("host: db.acme.com", f"host: '{host}'")))
        == []
    )


def test_an_invalid_url_raises_no_error():
    """Unbalanced brackets."""
    assert list_places(
        "KT364", run_policy_rules(LOGIN, LINK.replace("host: db.acme.com", "host: 'http://[::1'"))
    ) == ["prod-db:6:16"]


def test_unused_needs_all_manifests():
    """A hook on changed files cannot know."""
    assert list_places("KT365", run_policy_rules(LOGIN, complete=False)) == []


@pytest.mark.parametrize("region", ["europe-west4", "West Europe", "eu", "mars-north-1"])
def test_a_region_is_recognized_for_each_cloud(region):
    """An unknown region is accepted."""
    assert list_places("KT367", run_policy_rules(LAKE.replace("eu-west-1", region))) == []
