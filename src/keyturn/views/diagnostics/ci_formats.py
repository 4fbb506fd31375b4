"""What ``validate`` found, for machines: GitHub, GitLab, SARIF and JUnit."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from keyturn.catalog import load_catalog
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.views.diagnostics.text import (
    DiagnosticReport,
    find_code_title,
    format_concise,
    summarize_diagnostics,
)
from keyturn.views.escaping import escape_line, escape_terminal, escape_workflow_command, percent_encode
from keyturn.views.json_output import dump_pretty

MAX_ANNOTATIONS_PER_STEP: Final = 10
"""Annotations of one severity that GitHub shows for a step; more are dropped without a word."""

_GITHUB_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_GITLAB_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}
_SARIF_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render_github_annotations(report: DiagnosticReport) -> str:
    """Return workflow commands for the worst findings, and the rest as plain lines of the log."""
    ranked = report.ranked_diagnostics
    shown = {
        grade: [each for each in ranked if each.severity is grade][:MAX_ANNOTATIONS_PER_STEP]
        for grade in Severity
    }
    marked = [finding for grade in Severity for finding in shown[grade]]
    rest = [format_concise(finding) for finding in ranked if finding not in marked]
    said = (
        [f"{len(rest):,} more, for GitHub shows {MAX_ANNOTATIONS_PER_STEP} of each severity a step:"]
        if rest
        else []
    )
    lines = [
        *(_format_workflow_command(finding, report) for finding in marked),
        *said,
        *rest,
        summarize_diagnostics(report),
    ]
    return "\n".join(lines) + "\n"


def render_code_quality(report: DiagnosticReport) -> str:
    """Return a Code Quality report (``artifacts:reports:codequality``)."""
    return dump_pretty(
        [
            {
                "description": escape_line(_format_message(finding)),
                "check_name": finding.code,
                "fingerprint": mark,
                "severity": _GITLAB_SEVERITIES[finding.severity],
                "location": {
                    "path": report.repository_path(finding),
                    "lines": {"begin": finding.origin.line or 1},
                },
            }
            for finding, mark in _fingerprint_diagnostics(report)
        ]
    )


def render_sarif(report: DiagnosticReport) -> str:
    """Return a SARIF 2.1.0 log with one run."""
    codes = sorted({finding.code for finding in report.ranked_diagnostics})
    run = {
        "tool": {"driver": {"name": "keyturn", "rules": [_rule_to_sarif(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result_to_sarif(finding, codes.index(finding.code), report, mark)
            for finding, mark in _fingerprint_diagnostics(report)
        ],
    }
    return dump_pretty({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render_diagnostics_junit(report: DiagnosticReport) -> str:
    """Return JUnit XML: a suite for each file, a failed case for each error, a passed one for none."""
    by_file = {name: list(group) for name, group in groupby(_sort_by_file(report), key=_diagnostic_file)}
    suites = [_render_suite(name, by_file.get(name, [])) for name in sorted({*report.files, *by_file})]
    errors = Counter(finding.severity for finding in report.ranked_diagnostics)[Severity.ERROR]
    cases = sum(suite.count("<testcase ") for suite in suites)
    head = f'<testsuites name="keyturn validate" tests="{cases}" failures="{errors}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>"]) + "\n"


CI_RENDERERS: Final[Mapping[str, Callable[[DiagnosticReport], str]]] = {
    "github": render_github_annotations,
    "gitlab": render_code_quality,
    "sarif": render_sarif,
    "junit": render_diagnostics_junit,
}


def _format_workflow_command(diagnostic: Diagnostic, report: DiagnosticReport) -> str:
    place = {
        "file": report.repository_path(diagnostic),
        "line": str(diagnostic.origin.line or ""),
        "col": str(diagnostic.origin.column or ""),
        "title": f"{diagnostic.code} {find_code_title(diagnostic)}",
    }
    said = ",".join(
        f"{key}={escape_workflow_command(value, property=True)}" for key, value in place.items() if value
    )
    return f"::{_GITHUB_LEVELS[diagnostic.severity]} {said}::{escape_workflow_command(_format_message(diagnostic))}"


def _format_message(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message


def _fingerprint_diagnostics(report: DiagnosticReport) -> Iterator[tuple[Diagnostic, str]]:
    # Lines are left out: a finding that moves down the file is still the same finding.
    seen: Counter[str] = Counter()
    for finding in report.ranked_diagnostics:
        said = "\0".join(
            (finding.code, report.repository_path(finding), str(finding.address), finding.message)
        )
        seen[said] += 1
        yield finding, hashlib.sha256(f"{said}\0{seen[said]}".encode("utf-8", "replace")).hexdigest()


def _rule_to_sarif(code: str) -> dict[str, Any]:
    known = load_catalog().get(code)
    rule: dict[str, Any] = {"id": code, "shortDescription": {"text": known.title if known else code}}
    if known:
        rule["fullDescription"] = {"text": known.why}
        rule["help"] = {"text": f"{known.why}\n\n{known.fix}"}
    return rule


def _result_to_sarif(
    diagnostic: Diagnostic, index: int, report: DiagnosticReport, mark: str
) -> dict[str, Any]:
    place: dict[str, Any] = {
        "artifactLocation": {
            "uri": percent_encode(report.repository_path(diagnostic), "/"),
            "uriBaseId": "%SRCROOT%",
        }
    }
    if diagnostic.origin.line:
        place["region"] = {"startLine": diagnostic.origin.line}
        if diagnostic.origin.column:
            place["region"]["startColumn"] = diagnostic.origin.column
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": _SARIF_LEVELS[diagnostic.severity],
        "message": {"text": escape_terminal(_format_message(diagnostic))},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"keyturn/v1": mark},
    }


def _diagnostic_file(diagnostic: Diagnostic) -> str:
    return diagnostic.origin.file


def _sort_by_file(report: DiagnosticReport) -> list[Diagnostic]:
    return sorted(report.ranked_diagnostics, key=_diagnostic_file)


def _render_suite(name: str, found: list[Diagnostic]) -> str:
    failed = [finding for finding in found if finding.severity is Severity.ERROR]
    mild = [finding for finding in found if finding.severity is not Severity.ERROR]
    passed = f"    <testcase classname={_quote_attribute(name)} name={_quote_attribute(name)}/>"
    cases = [_render_case(name, finding) for finding in failed] or [passed]
    said = "\n".join(escape(format_concise(finding)) for finding in mild)
    out = [f"    <system-out>{said}</system-out>"] if mild else []
    head = f'  <testsuite name={_quote_attribute(name)} tests="{len(cases)}" failures="{len(failed)}">'
    return "\n".join([head, *cases, *out, "  </testsuite>"])


def _render_case(name: str, diagnostic: Diagnostic) -> str:
    place = str(diagnostic.origin)[len(diagnostic.origin.file) :]
    called = _quote_attribute(f"{diagnostic.code} {find_code_title(diagnostic)}{place}")
    message, text = (
        _quote_attribute(diagnostic.message),
        escape(f"{escape_line(str(diagnostic.origin))}\n{escape_terminal(_format_message(diagnostic))}"),
    )
    return (
        f"    <testcase classname={_quote_attribute(name)} name={called}>\n"
        f"      <failure type={_quote_attribute(diagnostic.code)} message={message}>{text}</failure>\n"
        "    </testcase>"
    )


def _quote_attribute(text: str) -> str:
    return quoteattr(escape_line(text))
