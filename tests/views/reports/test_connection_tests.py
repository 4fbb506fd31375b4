"""The report of connection tests."""

import re
from xml.etree import ElementTree as ET

from hypothesis import given

from keyturn.model.address import Address
from keyturn.model.connection_failure import FailureReason
from keyturn.model.results import ConnectionTestResult
from keyturn.model.results import TestStatus as Status
from keyturn.views.reports.connection_tests import render_connection_tests
from published_schemas import parse_valid
from sample_plans import hostile_texts

PG, MY, S3 = (Address("connection", name) for name in ("prod-pg", "prod-my", "prod-s3"))
RESULTS = (
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

SUMMARY = "Test: 1 passed, 1 failed, 0 unclear, 0 skipped, 1 refused."


def test_text_has_the_worst_result_last():
    """A reader of a log looks there first; the summary follows."""
    lines = render_connection_tests("prod", RESULTS).splitlines()
    assert lines[0] == "✓ connection/prod-pg  passed  12 ms  PostgreSQL 16.2"
    assert lines[-4] == "✗ connection/prod-my  failed  1,234 ms  tls: handshake"
    assert lines[-3] == "    next  look"
    assert lines[-1] == SUMMARY


def test_json_fits_its_schema():
    """An unknown value is null."""
    tree = parse_valid("test", render_connection_tests("prod", RESULTS, "json"))
    assert tree["tests"][1]["reason"] is None
    assert tree["tests"][2]["latency_ms"] is None
    assert tree["summary"]["line"] == SUMMARY


def test_junit_counts_a_refused_test_as_skipped():
    """A failed test has a failure, a passed one no child."""
    suite = ET.fromstring(render_connection_tests("prod", RESULTS, "junit"))[0]  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [[child.tag for child in case] for case in suite] == [["failure"], [], ["skipped"]]
    assert suite[0][0].get("type") == "tls"


@given(hostile_texts())
def test_any_text_is_harmless(message):
    """No control characters, no CI runner command."""
    odd = (
        ConnectionTestResult(
            address=PG, status=Status.FAILED, reason=FailureReason.UNKNOWN, message=message, hint=message
        ),
    )
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", render_connection_tests("prod", odd)
    )
    ET.fromstring(render_connection_tests("prod", odd, "junit"))  # noqa: S314 - our own text
    parse_valid("test", render_connection_tests("prod", odd, "json"))
