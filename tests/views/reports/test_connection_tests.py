"""Connection tests told three ways."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from keyturn.model.address import Address
from keyturn.model.connection_failure import FailureReason
from keyturn.model.results import ConnectionTestResult
from keyturn.model.results import TestStatus as Status
from keyturn.views.reports.connection_tests import (
    render_connection_tests,
    render_connection_tests_json,
    render_connection_tests_junit,
    render_connection_tests_text,
    summarize_connection_tests,
)
from keyturn.views.terminal import TerminalStyle
from plans import hostile_text
from published import valid

PG, MY, S3 = (Address("connection", name) for name in ("prod-pg", "prod-my", "prod-s3"))
TRIED = (
    ConnectionTestResult(
        address=MY,
        status=Status.FAILED,
        reason=FailureReason.TLS,
        message="handshake",
        hint="look",
        latency_ms=1234.5,
    ),
    ConnectionTestResult(address=PG, status=Status.PASSED, latency_ms=12.0, server_version="PostgreSQL 16.2"),
    ConnectionTestResult(
        address=S3, status=Status.REFUSED, message="config.host is not as it was applied", hint="plan"
    ),
)


def test_text_has_the_worst_last_and_a_line_that_counts():
    """Where the reader of a log looks first."""
    lines = render_connection_tests_text(TRIED).splitlines()
    assert lines[0] == "✓ connection/prod-pg  passed  12 ms  PostgreSQL 16.2"
    assert lines[-4] == "✗ connection/prod-my  failed  1,234 ms  tls: handshake"
    assert lines[-3] == "    next  look"
    assert lines[-1] == "Test: 1 passed, 1 failed, 0 unclear, 0 skipped, 1 refused."


def test_json_fits_its_schema():
    """Programs get what is published, null where nothing was told."""
    tree = valid("test", render_connection_tests_json("prod", TRIED))
    assert tree["tests"][1]["reason"] is None
    assert tree["tests"][2]["latency_ms"] is None
    assert tree["summary"]["line"] == summarize_connection_tests(TRIED)


def test_junit_counts_as_a_ci_server_does():
    """A failure fails, a refusal is skipped, a pass has neither."""
    suite = ET.fromstring(render_connection_tests_junit("prod", TRIED))[0]  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [[child.tag for child in case] for case in suite] == [["failure"], [], ["skipped"]]
    assert suite[0][0].get("type") == "tls"


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any message: no escape, well-formed XML, valid JSON."""
    odd = (
        ConnectionTestResult(
            address=PG, status=Status.FAILED, reason=FailureReason.UNKNOWN, message=said, hint=said
        ),
    )
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", render_connection_tests_text(odd)
    )
    ET.fromstring(render_connection_tests_junit("prod", odd))  # noqa: S314 - our own text
    valid("test", render_connection_tests_json("prod", odd))


def test_the_forms():
    """By name; another one is refused."""
    style = TerminalStyle(color=True)
    assert render_connection_tests("prod", TRIED, "text", style) == render_connection_tests_text(TRIED, style)
    assert render_connection_tests("prod", TRIED, "json") == render_connection_tests_json("prod", TRIED)
    assert render_connection_tests("prod", TRIED, "junit") == render_connection_tests_junit("prod", TRIED)
    with pytest.raises(ValueError, match="text, json, junit"):
        render_connection_tests("prod", TRIED, "html")
