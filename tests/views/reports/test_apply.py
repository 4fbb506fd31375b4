"""The report of an apply."""

import re

import pytest
from hypothesis import given

from keyturn.model.change import ChangeOutcome, OutcomeStatus
from keyturn.views.reports.apply import render_apply_report
from keyturn.views.terminal import TerminalStyle
from published_schemas import parse_valid
from sample_plans import CASES, DB, OUTCOMES, hostile_texts

PLAN = CASES["everything"]


def test_golden(assert_golden):
    """Every outcome, as text and as JSON."""
    assert_golden("report.txt", render_apply_report(PLAN, OUTCOMES))
    assert_golden("report.report.json", render_apply_report(PLAN, OUTCOMES, "json"))


def test_summary_has_the_counts_that_are_not_zero():
    """The last line can be parsed, and the counts add up."""
    summary = "Apply: 1 done, 1 failed, 1 unknown, 1 stale, 1 not attempted."
    assert render_apply_report(PLAN, OUTCOMES).splitlines()[-1] == summary
    assert render_apply_report(PLAN, OUTCOMES[:1]).splitlines()[-1] == "Apply: 1 done."
    assert render_apply_report(PLAN, ()) == "Apply: nothing to do.\n"


def test_details_of_an_outcome():
    """The dependencies of a blocked change, the hint of a failed one, and warnings."""
    lines = [line.strip() for line in render_apply_report(PLAN, OUTCOMES).splitlines()]
    assert "waits for  credential/prod-old" in lines
    assert "next       run it again" in lines
    assert "warning    the old probe was left behind" in lines


def test_worst_outcome_is_last():
    """A reader of a long log looks there first."""
    text = render_apply_report(PLAN, OUTCOMES)
    titles = ["Done", "depends on a change", "changed since the plan", "Unknown", "Failed"]
    assert sorted(titles, key=text.index) == titles


@pytest.mark.parametrize("status", OutcomeStatus)
def test_every_status_is_shown(status):
    """Each one has a group."""
    outcome = ChangeOutcome(address=DB, action="update", outcome_status=status)
    assert "credential/prod-db" in render_apply_report(PLAN, (outcome,))


def test_colour_only_adds_escapes():
    """Without escapes, the coloured text equals the plain text."""
    assert re.sub(
        r"\x1b\[[0-9;]*m", "", render_apply_report(PLAN, OUTCOMES, "text", TerminalStyle(color=True))
    ) == render_apply_report(PLAN, OUTCOMES)


@given(hostile_texts())
def test_any_message_is_harmless(message):
    """No escape, no CI runner command, valid JSON."""
    odd = ChangeOutcome(
        address=DB,
        action=message,
        outcome_status=OutcomeStatus.FAILED,
        message=message,
        hint=message,
        warnings=(message,),
    )
    text = render_apply_report(PLAN, (odd,))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]", text)
    assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)
    parse_valid("report", render_apply_report(CASES["empty"], (odd,), "json"))
