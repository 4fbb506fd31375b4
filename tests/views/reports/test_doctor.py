"""A check-up told."""

import re

import pytest
from hypothesis import given

from keyturn.model.results import CheckResult, CheckStatus, passed_check
from keyturn.views.reports.doctor import (
    render_doctor_json,
    render_doctor_report,
    render_doctor_text,
    summarize_checks,
)
from keyturn.views.terminal import TerminalStyle
from plans import hostile_text
from published import valid

CHECKS = (
    passed_check("sops", "3.13.1"),
    CheckResult(topic="api", status=CheckStatus.FAILED, message="401", hint="a new key", code="KT501"),
)


def test_text_says_what_to_mend():
    """A line for each, the next step below, a last line that counts."""
    lines = render_doctor_text(CHECKS).splitlines()
    assert lines[0] == "✓ sops        3.13.1"
    assert lines[1] == "✗ api         401  [KT501]"
    assert lines[2].split() == ["fix", "a", "new", "key"]
    assert lines[-1] == summarize_checks(CHECKS) == "Doctor: 1 good, 0 note, 0 untried, 0 doubt, 1 broken."


def test_json_fits_its_schema():
    """And a check without a code has null there."""
    tree = valid("doctor", render_doctor_json(CHECKS))
    assert [each["code"] for each in tree["checks"]] == [None, "KT501"]


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any message: no escape reaches the terminal."""
    odd = (CheckResult(topic=said, status=CheckStatus.WARNING, message=said, hint=said, code="KT501"),)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", render_doctor_text(odd))
    valid("doctor", render_doctor_json(odd))


def test_the_forms():
    """By name; another one is refused."""
    style = TerminalStyle(color=True)
    assert render_doctor_report(CHECKS, "text", style) == render_doctor_text(CHECKS, style)
    assert render_doctor_report(CHECKS, "json") == render_doctor_json(CHECKS)
    with pytest.raises(ValueError, match="text, json"):
        render_doctor_report(CHECKS, "html")
