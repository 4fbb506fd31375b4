"""What came of an apply."""

import re

import pytest
from hypothesis import given

from keyturn.model.change import ChangeOutcome, OutcomeStatus
from keyturn.views.reports.apply import (
    render_apply_json,
    render_apply_report,
    render_apply_text,
    summarize_outcomes,
)
from keyturn.views.terminal import TerminalStyle
from plans import CASES, DB, OUTCOMES, hostile_text
from published import valid


def test_golden(golden):
    """Every ending, as text and as JSON."""
    golden("report.txt", render_apply_text(OUTCOMES))
    golden("report.report.json", render_apply_json(CASES["everything"], OUTCOMES))


def test_the_last_line_counts_every_ending():
    """It can be parsed, and it adds up."""
    assert summarize_outcomes(OUTCOMES) == "Apply: 1 done, 1 failed, 1 unsure, 1 stale, 1 not attempted."
    assert render_apply_text(OUTCOMES).splitlines()[-1] == summarize_outcomes(OUTCOMES)
    assert summarize_outcomes(()) == "Apply: nothing to do."


def test_what_was_not_attempted_says_what_it_waits_for():
    """And what failed says what to do next."""
    lines = [line.strip() for line in render_apply_text(OUTCOMES).splitlines()]
    assert "waits    credential/prod-old" in lines
    assert "next     run it again" in lines
    assert "warning  the old probe was left behind" in lines


def test_the_worst_is_nearest_to_the_end():
    """Where a reader of a long log looks first."""
    text = render_apply_text(OUTCOMES)
    titles = ["Done", "it waits for", "it moved since", "Unsure", "Failed"]
    assert sorted(titles, key=text.index) == titles


@pytest.mark.parametrize("ending", OutcomeStatus)
def test_every_ending_is_shown(ending):
    """None falls through."""
    outcome = ChangeOutcome(address=DB, action="update", outcome_status=ending)
    assert "credential/prod-db" in render_apply_text((outcome,))


def test_colour_adds_escapes_and_nothing_else():
    """Without its escapes the coloured text is the plain one."""
    assert re.sub(
        r"\x1b\[[0-9;]*m", "", render_apply_text(OUTCOMES, TerminalStyle(color=True))
    ) == render_apply_text(OUTCOMES)


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any message: no escape, no command, valid JSON."""
    odd = ChangeOutcome(
        address=DB,
        action=said,
        outcome_status=OutcomeStatus.FAILED,
        message=said,
        hint=said,
        warnings=(said,),
    )
    text = render_apply_text((odd,))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]", text)
    assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)
    valid("report", render_apply_json(CASES["empty"], (odd,)))


def test_the_forms():
    """By name; another one is refused."""
    plan, style = CASES["everything"], TerminalStyle(color=True)
    assert render_apply_report(plan, OUTCOMES, "text", style) == render_apply_text(OUTCOMES, style)
    assert render_apply_report(plan, OUTCOMES, "json") == render_apply_json(plan, OUTCOMES)
    with pytest.raises(ValueError, match="text, json"):
        render_apply_report(plan, OUTCOMES, "html")
