"""keyturn test."""

from xml.etree import ElementTree as ET

from published import valid


def test_forms(settled):
    """For people, for programs, for a CI server."""
    assert "connection/prod-pg  passed" in settled.here("test").stdout
    assert valid("test", settled.here("test", "--format", "json").stdout)["summary"]["passed"] == 1
    suites = ET.fromstring(settled.here("test", "--format", "junit").stdout)  # noqa: S314 - our own text
    assert suites.get("tests") == "1"


def test_what_was_not_tested_is_counted(settled):
    """On the error stream, unless names were given."""
    settled.service.seed_objects(connections=[{"name": "ui", "type": "postgres", "config": {"host": "h"}}])
    assert "1 other live connection" in settled.here("test").stderr
    assert settled.here("test", "prod-pg").stderr == ""
    assert settled.here("test", "ui").code == 5


def test_a_budget_of_nothing_is_usage(settled):
    """At least one failure has to be allowed for."""
    assert settled.here("test", "--max-failures", "0").code == 64
