"""KT369: values of a host field that are no host."""

import pytest

from sample_policies import list_places, run_policy_rules

CONNECTION = """\
kind: connection
name: prod-db
type: postgres
labels: {environment: prod, system: db, owner: data}
config:
  port: 5432
  host: "%s"
"""


@pytest.mark.parametrize(
    "host",
    [
        "$DB_HOST",
        "${DB_HOST}",
        "{{ host }}",
        "<host>",
        "db example.com",
        "db..example.com",
        ".example.com",
        "-db.example.com",
        "db.example.com;x",
        "\u201cdb.example.com\u201d",
        "db.ex\u0430mple.com",
        "db.example.com:5432",
        "https://$HOST/",
    ],
)
def test_a_host_that_cannot_be_resolved_is_found(host):
    """The diagnostic is at the value."""
    assert list_places("KT369", run_policy_rules(CONNECTION % host)) == ["prod-db:7:9"]


@pytest.mark.parametrize(
    "host",
    [
        "db",
        "db.example.com",
        "DB_1.example.com.",
        "10.0.0.1",
        "2001:db8::1",
        "[2001:db8::1]",
        "m\u00fcnchen.example.com",
        "\u0434\u0431.example.com",
        "sql.example.com\\\\REPORTS",
        "sql.example.com,1433",
        "a.example.com:27017,b.example.com:27017",
        "https://user@db.example.com:8443/path",
        "/var/run/postgresql",
        "project:region:instance",
    ],
)
def test_the_forms_of_a_host_are_accepted(host):
    """Addresses, lists, URLs, named instances and sockets are hosts, too."""
    assert list_places("KT369", run_policy_rules(CONNECTION % host)) == []
