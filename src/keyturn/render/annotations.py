"""What ``validate`` found, for machines: GitHub, GitLab, SARIF and JUnit."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from keyturn.catalog import load_catalog
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.render.findings import Findings, concise, tally, title
from keyturn.render.json_text import dumped
from keyturn.render.safe import line, percent, plain, workflow

PER_STEP: Final = 10
"""Annotations of one severity that GitHub shows for a step; more are dropped without a word."""

_GITHUB: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_GITLAB: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}
_SARIF: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def github(findings: Findings) -> str:
    """Return workflow commands for the worst findings, and the rest as plain lines of the log."""
    ranked = findings.ranked
    shown = {grade: [each for each in ranked if each.severity is grade][:PER_STEP] for grade in Severity}
    marked = [finding for grade in Severity for finding in shown[grade]]
    rest = [concise(finding) for finding in ranked if finding not in marked]
    said = [f"{len(rest):,} more, for GitHub shows {PER_STEP} of each severity a step:"] if rest else []
    lines = [*(_command(finding, findings) for finding in marked), *said, *rest, tally(findings)]
    return "\n".join(lines) + "\n"


def gitlab(findings: Findings) -> str:
    """Return a Code Quality report (``artifacts:reports:codequality``)."""
    return dumped(
        [
            {
                "description": line(_message(finding)),
                "check_name": finding.code,
                "fingerprint": mark,
                "severity": _GITLAB[finding.severity],
                "location": {"path": findings.path(finding), "lines": {"begin": finding.origin.line or 1}},
            }
            for finding, mark in _marked(findings)
        ]
    )


def sarif(findings: Findings) -> str:
    """Return a SARIF 2.1.0 log with one run."""
    codes = sorted({finding.code for finding in findings.ranked})
    run = {
        "tool": {"driver": {"name": "keyturn", "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, codes.index(finding.code), findings, mark) for finding, mark in _marked(findings)
        ],
    }
    return dumped({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def junit(findings: Findings) -> str:
    """Return JUnit XML: a suite for each file, a failed case for each error, a passed one for none."""
    by_file = {name: list(group) for name, group in groupby(_by_file(findings), key=_file)}
    suites = [_suite(name, by_file.get(name, [])) for name in sorted({*findings.files, *by_file})]
    errors = Counter(finding.severity for finding in findings.ranked)[Severity.ERROR]
    cases = sum(suite.count("<testcase ") for suite in suites)
    head = f'<testsuites name="keyturn validate" tests="{cases}" failures="{errors}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>"]) + "\n"


ANNOTATIONS: Final[Mapping[str, Callable[[Findings], str]]] = {
    "github": github,
    "gitlab": gitlab,
    "sarif": sarif,
    "junit": junit,
}


def _command(finding: Diagnostic, findings: Findings) -> str:
    place = {
        "file": findings.path(finding),
        "line": str(finding.origin.line or ""),
        "col": str(finding.origin.column or ""),
        "title": f"{finding.code} {title(finding)}",
    }
    said = ",".join(f"{key}={workflow(value, property=True)}" for key, value in place.items() if value)
    return f"::{_GITHUB[finding.severity]} {said}::{workflow(_message(finding))}"


def _message(finding: Diagnostic) -> str:
    return f"{finding.message}\n{finding.hint}" if finding.hint else finding.message


def _marked(findings: Findings) -> Iterator[tuple[Diagnostic, str]]:
    # Lines are left out: a finding that moves down the file is still the same finding.
    seen: Counter[str] = Counter()
    for finding in findings.ranked:
        said = "\0".join((finding.code, findings.path(finding), str(finding.address), finding.message))
        seen[said] += 1
        yield finding, hashlib.sha256(f"{said}\0{seen[said]}".encode("utf-8", "replace")).hexdigest()


def _rule(code: str) -> dict[str, Any]:
    known = load_catalog().get(code)
    rule: dict[str, Any] = {"id": code, "shortDescription": {"text": known.title if known else code}}
    if known:
        rule["fullDescription"] = {"text": known.why}
        rule["help"] = {"text": f"{known.why}\n\n{known.fix}"}
    return rule


def _result(finding: Diagnostic, index: int, findings: Findings, mark: str) -> dict[str, Any]:
    place: dict[str, Any] = {
        "artifactLocation": {"uri": percent(findings.path(finding), "/"), "uriBaseId": "%SRCROOT%"}
    }
    if finding.origin.line:
        place["region"] = {"startLine": finding.origin.line}
        if finding.origin.column:
            place["region"]["startColumn"] = finding.origin.column
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _SARIF[finding.severity],
        "message": {"text": plain(_message(finding))},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"keyturn/v1": mark},
    }


def _file(finding: Diagnostic) -> str:
    return finding.origin.file


def _by_file(findings: Findings) -> list[Diagnostic]:
    return sorted(findings.ranked, key=_file)


def _suite(name: str, found: list[Diagnostic]) -> str:
    failed = [finding for finding in found if finding.severity is Severity.ERROR]
    mild = [finding for finding in found if finding.severity is not Severity.ERROR]
    passed = f"    <testcase classname={_xml(name)} name={_xml(name)}/>"
    cases = [_case(name, finding) for finding in failed] or [passed]
    said = "\n".join(escape(concise(finding)) for finding in mild)
    out = [f"    <system-out>{said}</system-out>"] if mild else []
    head = f'  <testsuite name={_xml(name)} tests="{len(cases)}" failures="{len(failed)}">'
    return "\n".join([head, *cases, *out, "  </testsuite>"])


def _case(name: str, finding: Diagnostic) -> str:
    place = str(finding.origin)[len(finding.origin.file) :]
    called = _xml(f"{finding.code} {title(finding)}{place}")
    message, text = _xml(finding.message), escape(f"{line(str(finding.origin))}\n{plain(_message(finding))}")
    return (
        f"    <testcase classname={_xml(name)} name={called}>\n"
        f"      <failure type={_xml(finding.code)} message={message}>{text}</failure>\n"
        "    </testcase>"
    )


def _xml(text: str) -> str:
    return quoteattr(line(text))
