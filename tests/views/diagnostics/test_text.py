"""Diagnostics as text, Markdown and JSON."""

import json
import re

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Severity
from keyturn.views.diagnostics.text import (
    DIAGNOSTICS_COMMENT_BUDGET,
    DiagnosticReport,
    render_diagnostics_concise,
    render_diagnostics_json,
    render_diagnostics_markdown,
    render_diagnostics_text,
    summarize_diagnostics,
)
from keyturn.views.terminal import TerminalStyle
from published_schemas import parse_valid
from sample_plans import DB, FINDINGS, hostile_texts, make_finding

FILE = "manifests/prod/credentials/prod-db.yaml"
TEXT = """\
kind: credential
name: prod-db
type: database
  labels: {owner: me}
secrets:
  password: hunter2
"""
UNKNOWN = make_finding(
    "KT131",
    Severity.ERROR,
    "`pasword` is no field",
    origin=SourceLocation(FILE, 6, 3),
    address=DB,
    cause=Cause.POSSIBLE_PLAINTEXT,
)
SOME = DiagnosticReport(
    diagnostics=(*FINDINGS, *FINDINGS[:1]), files=(FILE, "manifests/prod/x.yaml"), texts={FILE: TEXT}
)


def test_golden(assert_golden):
    """Every format."""
    assert_golden("findings.txt", render_diagnostics_text(SOME))
    assert_golden("findings.concise.txt", render_diagnostics_concise(SOME))
    assert_golden("findings.findings.json", render_diagnostics_json(SOME))
    assert_golden("findings.findings.md", render_diagnostics_markdown(SOME))


def test_diagnostics_are_sorted_and_unique():
    """Errors, warnings, notes."""
    codes = [line.split()[2] for line in render_diagnostics_concise(SOME).splitlines()]
    assert codes == ["KT454", "KT320", "KT313"]


def test_concise_format_has_one_line_for_each():
    """In the format of compilers, which editors understand."""
    assert (
        render_diagnostics_concise(DiagnosticReport(diagnostics=(UNKNOWN,)))
        == f"{FILE}:6:3: error KT131 `pasword` is no field\n"
    )
    assert render_diagnostics_concise(DiagnosticReport(diagnostics=())) == ""


@pytest.mark.parametrize(
    ("found", "files", "said"),
    [
        ((), (), "0 files checked, no problems found."),
        ((), ("a",), "1 file checked, no problems found."),
        (FINDINGS, (FINDINGS[0].origin.file, "b"), "1 error, 1 warning and 1 note in 1 of 2 files."),
        (FINDINGS[:2], (), "1 error and 1 warning in 1 of 1 file."),
    ],
)
def test_the_summary(found, files, said):
    """Files and diagnostics, with plurals."""
    findings = DiagnosticReport(diagnostics=found, files=files)
    assert summarize_diagnostics(findings) == said
    assert render_diagnostics_text(findings).splitlines()[-1] == said


def test_a_frame_needs_the_text():
    """Without the text there is none."""
    assert " 4 |   labels: {owner: me}" in render_diagnostics_text(SOME)
    assert " | " not in render_diagnostics_text(DiagnosticReport(diagnostics=FINDINGS))


def test_a_misspelled_key_masks_the_rest_of_its_file():
    """Its value may be a secret."""
    text = "kind: credential\nconfig:\n  pasword: hunter2\n  port: x\n"
    port = make_finding("KT133", Severity.ERROR, "a port is a number", origin=SourceLocation(FILE, 4, 9))
    origin, cause = SourceLocation(FILE, 3, 3), Cause.POSSIBLE_PLAINTEXT
    misspelled = make_finding("KT131", Severity.ERROR, "no such field", origin=origin, cause=cause)
    shown = render_diagnostics_text(DiagnosticReport(diagnostics=(port, misspelled), texts={FILE: text}))
    assert "hunter2" not in shown
    assert "  port: x" in shown
    assert "  pasword: ▒▒▒" in shown


def test_colour_only_adds_escapes():
    """Without escapes, coloured text equals plain text."""
    assert re.sub(
        r"\x1b\[[0-9;]*m", "", render_diagnostics_text(SOME, TerminalStyle(color=True))
    ) == render_diagnostics_text(SOME)


def test_json_validates_and_counts():
    """Against the published schema."""
    document = parse_valid("findings", render_diagnostics_json(SOME))
    assert document["summary"] == {"errors": 1, "warnings": 1, "notes": 1}
    assert [each["code"] for each in document["findings"]] == ["KT454", "KT320", "KT313"]
    assert document["findings"][0]["title"] == "manifest of a protected resource is missing"
    assert json.loads(render_diagnostics_json(DiagnosticReport(diagnostics=())))["findings"] == []


def test_an_unknown_code_is_its_own_title():
    """The catalog may lack a code."""
    odd = make_finding("KT999", Severity.NOTE, "m")
    assert (
        json.loads(render_diagnostics_json(DiagnosticReport(diagnostics=(odd,))))["findings"][0]["title"]
        == "KT999"
    )


@given(hostile_texts())
def test_any_text_is_harmless(said):
    """No control characters, no CI runner command."""
    odd = make_finding("KT133", Severity.ERROR, said, hint=said, origin=SourceLocation(said or "x", 1, 2))
    findings = DiagnosticReport(diagnostics=(odd,), files=(said,), texts={said: said})
    for text in (
        render_diagnostics_text(findings),
        render_diagnostics_concise(findings),
        render_diagnostics_markdown(findings),
    ):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]", text)
        assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)
    parse_valid("findings", render_diagnostics_json(findings))
    tokens = MarkdownIt("commonmark").parse(render_diagnostics_markdown(findings))
    kinds = {token.type for block in tokens for token in block.children or ()}
    assert kinds <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}


def test_markdown_keeps_its_budget():
    """The most severe diagnostics stay, the others are counted."""
    many = tuple(
        make_finding(
            "KT320",
            Severity.WARNING,
            f"secret {number} is old",
            origin=SourceLocation(f"f{number % 7}.yaml", number),
        )
        for number in range(1, 5_000)
    )
    text = render_diagnostics_markdown(DiagnosticReport(diagnostics=(*many, UNKNOWN)))
    assert len(text.encode()) <= DIAGNOSTICS_COMMENT_BUDGET
    assert "pasword" in text
    left = int(text.split("**")[-2].split()[0].replace(",", ""))
    assert text.count("\n- ") + left == 5_000
