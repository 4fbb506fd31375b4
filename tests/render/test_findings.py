"""Findings, for people and as JSON."""

import json
import re

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Cause, Severity
from keyturn.render.findings import (
    COMMENT,
    Findings,
    findings_concise,
    findings_json,
    findings_markdown,
    findings_text,
    tally,
)
from keyturn.render.style import Style
from plans import DB, FINDINGS, finding, hostile_text
from published import valid

FILE = "manifests/prod/credentials/prod-db.yaml"
TEXT = """\
kind: credential
name: prod-db
type: database
  labels: {owner: me}
secrets:
  password: hunter2
"""
UNKNOWN = finding(
    "KT131",
    Severity.ERROR,
    "`pasword` is no field",
    origin=Origin(FILE, 6, 3),
    address=DB,
    cause=Cause.POSSIBLE_PLAINTEXT,
)
SOME = Findings(found=(*FINDINGS, *FINDINGS[:1]), files=(FILE, "manifests/prod/x.yaml"), texts={FILE: TEXT})


def test_golden(golden):
    """Every form."""
    golden("findings.txt", findings_text(SOME))
    golden("findings.concise.txt", findings_concise(SOME))
    golden("findings.findings.json", findings_json(SOME))
    golden("findings.findings.md", findings_markdown(SOME))


def test_worst_first_and_each_once():
    """Errors, then warnings, then notes; what is said twice is said once."""
    codes = [line.split()[2] for line in findings_concise(SOME).splitlines()]
    assert codes == ["KT454", "KT320", "KT313"]


def test_a_line_of_its_own_for_each_in_the_concise_form():
    """As compilers write it, so that editors jump to it."""
    assert findings_concise(Findings(found=(UNKNOWN,))) == f"{FILE}:6:3: error KT131 `pasword` is no field\n"
    assert findings_concise(Findings(found=())) == ""


@pytest.mark.parametrize(
    ("found", "files", "said"),
    [
        ((), (), "0 files checked: nothing found."),
        ((), ("a",), "1 file checked: nothing found."),
        (FINDINGS, ("a", "b"), "2 files checked: 1 error, 1 warning, 1 note."),
    ],
)
def test_the_last_line_counts(found, files, said):
    """Files and findings, with their plurals."""
    findings = Findings(found=found, files=files)
    assert tally(findings) == said
    assert findings_text(findings).splitlines()[-1] == said


def test_a_frame_is_shown_where_the_text_is_at_hand():
    """And left out where it is not."""
    assert " 4 |   labels: {owner: me}" in findings_text(SOME)
    assert " | " not in findings_text(Findings(found=FINDINGS))


def test_a_doubtful_finding_masks_the_rest_of_its_file():
    """Where a key is misspelled, a value beside another finding may be a secret too."""
    text = "kind: credential\nconfig:\n  pasword: hunter2\n  port: x\n"
    port = finding("KT133", Severity.ERROR, "a port is a number", origin=Origin(FILE, 4, 9))
    origin, cause = Origin(FILE, 3, 3), Cause.POSSIBLE_PLAINTEXT
    misspelled = finding("KT131", Severity.ERROR, "no such field", origin=origin, cause=cause)
    shown = findings_text(Findings(found=(port, misspelled), texts={FILE: text}))
    assert "hunter2" not in shown
    assert "  port: x" in shown
    assert "  pasword: ▒▒▒" in shown


def test_colour_adds_escapes_and_nothing_else():
    """Without its escapes the coloured text is the plain one."""
    assert re.sub(r"\x1b\[[0-9;]*m", "", findings_text(SOME, Style(colour=True))) == findings_text(SOME)


def test_json_validates_and_counts():
    """Against the published schema."""
    document = valid("findings", findings_json(SOME))
    assert document["summary"] == {"errors": 1, "warnings": 1, "notes": 1}
    assert [each["code"] for each in document["findings"]] == ["KT454", "KT320", "KT313"]
    assert document["findings"][0]["title"] == "manifest of a protected resource is missing"
    assert json.loads(findings_json(Findings(found=())))["findings"] == []


def test_an_unknown_code_is_its_own_title():
    """A table that lags behind breaks nothing."""
    odd = finding("KT999", Severity.NOTE, "m")
    assert json.loads(findings_json(Findings(found=(odd,))))["findings"][0]["title"] == "KT999"


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any message, hint and file: no escape, no command, no markup."""
    odd = finding("KT133", Severity.ERROR, said, hint=said, origin=Origin(said or "x", 1, 2))
    findings = Findings(found=(odd,), files=(said,), texts={said: said})
    for text in (findings_text(findings), findings_concise(findings), findings_markdown(findings)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]", text)
        assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)
    valid("findings", findings_json(findings))
    tokens = MarkdownIt("commonmark").parse(findings_markdown(findings))
    kinds = {token.type for block in tokens for token in block.children or ()}
    assert kinds <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}


def test_markdown_keeps_its_budget():
    """What does not fit is counted, worst first stays."""
    many = tuple(
        finding(
            "KT320", Severity.WARNING, f"secret {number} is old", origin=Origin(f"f{number % 7}.yaml", number)
        )
        for number in range(1, 5_000)
    )
    text = findings_markdown(Findings(found=(*many, UNKNOWN)))
    assert len(text.encode()) <= COMMENT
    assert "pasword" in text
    left = int(text.split("**")[-2].split()[0].replace(",", ""))
    assert text.count("\n- ") + left == 5_000
