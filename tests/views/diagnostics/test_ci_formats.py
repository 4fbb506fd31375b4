"""Diagnostics in the formats of CI services."""

import json
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Severity
from keyturn.views.diagnostics.ci_formats import (
    MAX_ANNOTATIONS_PER_STEP,
    render_code_quality,
    render_diagnostics_junit,
    render_github_annotations,
    render_sarif,
)
from keyturn.views.diagnostics.text import DiagnosticReport
from sample_plans import DB, FINDINGS, hostile_texts, make_finding
from sarif_log import find_schema_errors

FILE = "manifests/prod/credentials/prod-db.yaml"
SOME = DiagnosticReport(diagnostics=FINDINGS, files=(FILE, "manifests/prod/b & c.yaml"), base_folder="infra")


def logged(findings):
    """Return the SARIF log of diagnostics, checked against the structure of the standard."""
    log = json.loads(render_sarif(findings))
    assert find_schema_errors(log) == []
    return log["runs"][0]


def many(severity, count):
    """Return diagnostics of one severity, one per line."""
    return tuple(
        make_finding("KT320", severity, f"m{line}", origin=SourceLocation(FILE, line, 1))
        for line in range(1, count + 1)
    )


def test_golden(assert_golden):
    """Every format."""
    assert_golden("findings.github.txt", render_github_annotations(SOME))
    assert_golden("findings.gitlab.json", render_code_quality(SOME))
    assert_golden("findings.sarif.json", render_sarif(SOME))
    logged(SOME)
    assert_golden("findings.junit.xml", render_diagnostics_junit(SOME))


def test_github_names_file_line_column_and_title():
    """The file is relative to the repository root, so the pull request shows it in place."""
    first = render_github_annotations(SOME).splitlines()[0]
    assert first == (
        f"::error file=infra/{FILE},line=4,col=3,title=KT454 manifest of a protected resource is missing::"
        "credential/prod-old is protected, but its manifest was deleted"
    )


def test_github_gets_ten_annotations_of_each_severity():
    """The others are lines of the log."""
    found = (*many(Severity.ERROR, 12), *many(Severity.WARNING, 11), *many(Severity.NOTE, 3))
    lines = render_github_annotations(DiagnosticReport(diagnostics=found)).splitlines()
    for word, count in (
        ("error", MAX_ANNOTATIONS_PER_STEP),
        ("warning", MAX_ANNOTATIONS_PER_STEP),
        ("notice", 3),
    ):
        assert sum(line.startswith(f"::{word} ") for line in lines) == count
    assert "3 more; GitHub shows 10 of each severity per step:" in lines
    assert [line.rpartition(" ")[2] for line in lines[-4:-1]] == ["m11", "m12", "m11"]
    assert lines[-1] == "12 errors, 11 warnings and 3 notes in 1 of 1 file."


def test_github_omits_an_unknown_line():
    """A diagnostic about a file has no line."""
    whole = make_finding("KT142", Severity.ERROR, "m", origin=SourceLocation(FILE))
    assert "line=" not in render_github_annotations(DiagnosticReport(diagnostics=(whole,)))


@given(hostile_texts())
def test_github_gets_one_command_for_each_diagnostic(said):
    """For any text."""
    odd = make_finding("KT133", Severity.ERROR, said, hint=said, origin=SourceLocation(said or "x", 1, 2))
    lines = render_github_annotations(DiagnosticReport(diagnostics=(odd,), base_folder=said)).split("\n")
    assert len(lines) == 3
    assert [line.startswith("::error file=") for line in lines] == [True, False, False]
    assert lines[0].count("::") >= 2
    assert not re.search(r"##\w*\[|[\x00-\x08\x0b-\x1f\x7f-\x9f]", lines[0])


def test_gitlab_report():
    """Description, check, fingerprint, severity, path and line."""
    first, *_ = json.loads(render_code_quality(SOME))
    assert first["location"] == {"path": f"infra/{FILE}", "lines": {"begin": 4}}
    assert first["severity"] == "critical"
    assert re.fullmatch("[0-9a-f]{64}", first["fingerprint"])


def test_a_fingerprint_does_not_depend_on_the_line():
    """Fingerprints are unique."""
    before, after = many(Severity.ERROR, 2)[:1], many(Severity.ERROR, 2)[1:]
    same = [
        json.loads(render_code_quality(DiagnosticReport(diagnostics=found)))[0]["fingerprint"]
        for found in (before, FINDINGS[:1])
    ]
    assert len(set(same)) == 2
    moved = tuple(
        make_finding("KT320", Severity.ERROR, "m1", origin=SourceLocation(FILE, 99, 1)) for _ in after
    )
    assert json.loads(render_code_quality(DiagnosticReport(diagnostics=moved)))[0]["fingerprint"] == same[0]
    twice = (*before, make_finding("KT320", Severity.ERROR, "m1", origin=SourceLocation(FILE, 50, 1)))
    assert (
        len(
            {
                each["fingerprint"]
                for each in json.loads(render_code_quality(DiagnosticReport(diagnostics=twice)))
            }
        )
        == 2
    )


def test_sarif_rules_and_results():
    """One rule for each code; each result refers to its rule."""
    run = logged(SOME)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["KT313", "KT320", "KT454"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": f"infra/{FILE}", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 4, "startColumn": 3},
    }


@given(hostile_texts())
def test_sarif_with_any_text(said):
    """A valid log with valid URIs."""
    odd = make_finding("KT133", Severity.ERROR, said or "m", origin=SourceLocation(said or "x"), address=DB)
    (result,) = logged(DiagnosticReport(diagnostics=(odd,)))["results"]
    assert "region" not in result["locations"][0]["physicalLocation"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda log: log.pop("version"),
        lambda log: log.update(version="2.0.0"),
        lambda log: log["runs"][0].pop("tool"),
        lambda log: log["runs"][0]["tool"]["driver"].pop("name"),
        lambda log: log["runs"][0]["tool"]["driver"]["rules"][0].pop("id"),
        lambda log: log["runs"][0]["results"][0].pop("message"),
        lambda log: log["runs"][0]["results"][0].update(level="fatal"),
        lambda log: log["runs"][0]["results"][0].update(column=1),
        lambda log: log["runs"][0]["results"][0]["locations"][0].update(line=1),
        lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"].update(
            region={"line": 1}
        ),
        lambda log: log["runs"][0].update(columnKind="bytes"),
    ],
)
def test_the_sarif_check_finds_errors(spoil):
    """The structure rejects an invalid log."""
    log = json.loads(render_sarif(SOME))
    spoil(log)
    assert find_schema_errors(log) != []


def test_junit_fails_for_errors_only():
    """One suite for each file; warnings are output."""
    root = ET.fromstring(render_diagnostics_junit(SOME))  # noqa: S314  # our own
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    good, bad = root.findall("testsuite")
    assert good.get("name") == "manifests/prod/b & c.yaml"
    assert not good.findall(".//failure")
    assert bad.find("testcase/failure").get("type") == "KT454"
    assert "KT320" in bad.find("system-out").text


@given(hostile_texts())
def test_junit_with_any_text(said):
    """Well-formed, and only elements of the renderer."""
    odd = make_finding("KT133", Severity.ERROR, said, hint=said, origin=SourceLocation(said, 1, 2))
    mild = make_finding("KT320", Severity.NOTE, said, origin=SourceLocation(said, 1, 2))
    root = ET.fromstring(render_diagnostics_junit(DiagnosticReport(diagnostics=(odd, mild), files=(said,))))  # noqa: S314  # our own
    tags = {element.tag for element in root.iter()}
    assert tags == {"testsuites", "testsuite", "testcase", "failure", "system-out"}
