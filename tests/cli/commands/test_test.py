"""keyturn test."""

from xml.etree import ElementTree as ET

from published_schemas import parse_valid


def test_forms(applied_setup):
    """For people, for programs, for a CI server."""
    assert "connection/prod-pg  passed" in applied_setup.run("test").stdout
    assert parse_valid("test", applied_setup.run("test", "--format", "json").stdout)["summary"]["passed"] == 1
    suites = ET.fromstring(applied_setup.run("test", "--format", "junit").stdout)  # noqa: S314 - our own text
    assert suites.get("tests") == "1"


def test_what_was_not_tested_is_counted(applied_setup):
    """On the error stream, unless names were given."""
    applied_setup.service.seed_objects(
        connections=[{"name": "ui", "type": "postgres", "config": {"host": "h"}}]
    )
    assert "1 other live connection" in applied_setup.run("test").stderr
    assert applied_setup.run("test", "prod-pg").stderr == ""
    assert applied_setup.run("test", "ui").code == 5


def test_a_budget_of_nothing_is_usage(applied_setup):
    """At least one failure has to be allowed for."""
    assert applied_setup.run("test", "--max-failures", "0").code == 64
