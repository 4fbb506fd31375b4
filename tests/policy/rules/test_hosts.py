"""Which host is meant, where it stands, and whether anybody uses it."""

import pytest

from judging import judged, places

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


def test_a_fleet_that_agrees_is_silent():
    """The same host on both sides, and every credential used."""
    assert judged(LOGIN, LINK, LAKE) == ()


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
def test_a_wrong_reach_is_found_at_its_token(code, texts, expected):
    """Each rule points at what has to change."""
    assert places(code, judged(*texts)) == expected


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("xy12345.us-east-1.snowflakecomputing.com", "xy12345.us-east-1"),
        ("https://xy12345.us-east-1.snowflakecomputing.com/", "XY12345.us-east-1"),
        ("xy12345.us-east-1.snowflakecomputing.com.", "xy12345"),
    ],
)
def test_an_account_of_snowflake_is_its_host(stated, meant):
    """The credential states the host, the connection the account, and both mean one thing."""
    link = LINK.replace("type: postgres", "type: snowflake").replace("host: db.acme.com", f"account: {meant}")
    assert places("KT364", judged(LOGIN.replace("db.acme.com", stated), link)) == []


@pytest.mark.parametrize(
    "host", ["DB.acme.com", "db.acme.com:5432", "postgres://db.acme.com/x", "db.acme.com."]
)
def test_one_host_may_be_written_in_several_ways(host):
    """Case, port, scheme and the closing dot do not make another host."""
    assert places("KT364", judged(LOGIN, LINK.replace("host: db.acme.com", f"host: '{host}'"))) == []


def test_an_address_that_is_none_does_not_stop_the_rules():
    """Brackets that do not close are no reason to fall over."""
    assert places("KT364", judged(LOGIN, LINK.replace("host: db.acme.com", "host: 'http://[::1'"))) == [
        "prod-db:6:16"
    ]


def test_unused_is_said_only_of_a_whole_fleet():
    """A hook that sees the changed files alone cannot know."""
    assert places("KT365", judged(LOGIN, complete=False)) == []


@pytest.mark.parametrize("region", ["europe-west4", "West Europe", "eu", "mars-north-1"])
def test_a_region_is_understood_in_each_cloud(region):
    """A region that is not known contradicts nothing."""
    assert places("KT367", judged(LAKE.replace("eu-west-1", region))) == []
