"""Diagnostics in the formats of CI services: GitHub, GitLab, SARIF and JUnit."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

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
from keyturn.views.xml_escaping import escape_xml_text, quote_xml_attribute

MAX_ANNOTATIONS_PER_STEP: Final = 10
"""GitHub shows this many annotations of each severity per step and drops the others."""

_GITHUB_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_GITLAB_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}
_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_SARIF_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render_github_annotations(report: DiagnosticReport) -> str:
    """Return workflow commands for the most severe diagnostics, and the others as lines of the log."""
    ranked = report.ranked_diagnostics
    shown = {
        severity: [each for each in ranked if each.severity is severity][:MAX_ANNOTATIONS_PER_STEP]
        for severity in Severity
    }
    annotated = [each for severity in Severity for each in shown[severity]]
    rest = [format_concise(each) for each in ranked if each not in annotated]
    title = (
        [f"{len(rest):,} more; GitHub shows {MAX_ANNOTATIONS_PER_STEP} of each severity per step:"]
        if rest
        else []
    )
    lines = [
        *(_format_workflow_command(each, report) for each in annotated),
        *title,
        *rest,
        summarize_diagnostics(report),
    ]
    return "\n".join(lines) + "\n"


def render_code_quality(report: DiagnosticReport) -> str:
    """Return a Code Quality report (``artifacts:reports:codequality``)."""
    return dump_pretty(
        [
            {
                "description": escape_line(_format_message(diagnostic)),
                "check_name": diagnostic.code,
                "fingerprint": fingerprint,
                "severity": _GITLAB_SEVERITIES[diagnostic.severity],
                "location": {
                    "path": report.repository_path(diagnostic),
                    "lines": {"begin": diagnostic.origin.line or 1},
                },
            }
            for diagnostic, fingerprint in _fingerprint_diagnostics(report)
        ]
    )


def render_sarif(report: DiagnosticReport) -> str:
    """Return a SARIF 2.1.0 log with one run."""
    codes = sorted({diagnostic.code for diagnostic in report.ranked_diagnostics})
    run = {
        "tool": {"driver": {"name": "keyturn", "rules": [_rule_to_sarif(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result_to_sarif(diagnostic, codes.index(diagnostic.code), report, fingerprint)
            for diagnostic, fingerprint in _fingerprint_diagnostics(report)
        ],
    }
    return dump_pretty({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def render_diagnostics_junit(report: DiagnosticReport) -> str:
    """Return JUnit XML: a suite for each file; a failed case for each error, or one passed case."""
    by_file = {name: list(group) for name, group in groupby(_sort_by_file(report), key=_diagnostic_file)}
    suites = [_render_suite(name, by_file.get(name, [])) for name in sorted({*report.files, *by_file})]
    errors = Counter(diagnostic.severity for diagnostic in report.ranked_diagnostics)[Severity.ERROR]
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
    properties = {
        "file": report.repository_path(diagnostic),
        "line": str(diagnostic.origin.line or ""),
        "col": str(diagnostic.origin.column or ""),
        "title": f"{diagnostic.code} {find_code_title(diagnostic)}",
    }
    joined = ",".join(
        f"{key}={escape_workflow_command(value, property=True)}" for key, value in properties.items() if value
    )
    message = escape_workflow_command(_format_message(diagnostic))
    return f"::{_GITHUB_LEVELS[diagnostic.severity]} {joined}::{message}"


def _format_message(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message


def _fingerprint_diagnostics(report: DiagnosticReport) -> Iterator[tuple[Diagnostic, str]]:
    # Without the line: a diagnostic that moves within the file keeps its fingerprint.
    seen: Counter[str] = Counter()
    for diagnostic in report.ranked_diagnostics:
        identity = "\0".join(
            (diagnostic.code, report.repository_path(diagnostic), str(diagnostic.address), diagnostic.message)
        )
        seen[identity] += 1
        yield (
            diagnostic,
            hashlib.sha256(f"{identity}\0{seen[identity]}".encode("utf-8", "replace")).hexdigest(),
        )


def _rule_to_sarif(code: str) -> dict[str, Any]:
    entry = load_catalog().get(code)
    rule: dict[str, Any] = {"id": code, "shortDescription": {"text": entry.title if entry else code}}
    if entry:
        rule["fullDescription"] = {"text": entry.why}
        rule["help"] = {"text": f"{entry.why}\n\n{entry.fix}"}
    return rule


def _result_to_sarif(
    diagnostic: Diagnostic, index: int, report: DiagnosticReport, fingerprint: str
) -> dict[str, Any]:
    location: dict[str, Any] = {
        "artifactLocation": {
            "uri": percent_encode(report.repository_path(diagnostic), "/"),
            "uriBaseId": "%SRCROOT%",
        }
    }
    if diagnostic.origin.line:
        location["region"] = {"startLine": diagnostic.origin.line}
        if diagnostic.origin.column:
            location["region"]["startColumn"] = diagnostic.origin.column
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": _SARIF_LEVELS[diagnostic.severity],
        "message": {"text": escape_terminal(_format_message(diagnostic))},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"keyturn/v1": fingerprint},
    }


def _diagnostic_file(diagnostic: Diagnostic) -> str:
    return diagnostic.origin.file


def _sort_by_file(report: DiagnosticReport) -> list[Diagnostic]:
    return sorted(report.ranked_diagnostics, key=_diagnostic_file)


def _render_suite(file: str, diagnostics: list[Diagnostic]) -> str:
    name = quote_xml_attribute(file)
    errors = [each for each in diagnostics if each.severity is Severity.ERROR]
    others = [each for each in diagnostics if each.severity is not Severity.ERROR]
    cases = [_render_case(name, error) for error in errors] or [
        f"    <testcase classname={name} name={name}/>"
    ]
    output = "\n".join(escape_xml_text(format_concise(each)) for each in others)
    return "\n".join(
        [
            f'  <testsuite name={name} tests="{len(cases)}" failures="{len(errors)}">',
            *cases,
            *([f"    <system-out>{output}</system-out>"] if others else []),
            "  </testsuite>",
        ]
    )


def _render_case(quoted_file: str, error: Diagnostic) -> str:
    position = str(error.origin)[len(error.origin.file) :]
    name = quote_xml_attribute(f"{error.code} {find_code_title(error)}{position}")
    text = escape_xml_text(f"{escape_line(str(error.origin))}\n{_format_message(error)}")
    kind, message = quote_xml_attribute(error.code), quote_xml_attribute(error.message)
    return (
        f"    <testcase classname={quoted_file} name={name}>\n"
        f"      <failure type={kind} message={message}>{text}</failure>\n"
        "    </testcase>"
    )
