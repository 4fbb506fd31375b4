"""The report of the doctor command."""

import re

from hypothesis import given

from keyturn.model.results import CheckResult, CheckStatus, passed_check
from keyturn.views.reports.doctor import render_doctor_report
from published_schemas import parse_valid
from sample_plans import hostile_texts

CHECKS = (
    passed_check("sops", "3.13.1"),
    CheckResult(topic="api", status=CheckStatus.FAILED, message="401", hint="a new key", code="KT501"),
)


def test_text_has_checks_fixes_and_summary():
    """One line for each check, its fix below, the summary last."""
    lines = render_doctor_report(CHECKS).splitlines()
    assert lines[0] == "✓ sops        3.13.1"
    assert lines[1] == "✗ api         401  [KT501]"
    assert lines[2].split() == ["fix", "a", "new", "key"]
    assert lines[-1] == "Doctor: 1 passed, 0 warnings, 1 failed, 0 notes, 0 skipped."


def test_json_fits_its_schema():
    """The code of a check without one is null."""
    tree = parse_valid("doctor", render_doctor_report(CHECKS, "json"))
    assert [each["code"] for each in tree["checks"]] == [None, "KT501"]


@given(hostile_texts())
def test_any_text_is_harmless(message):
    """No control characters, no CI runner command."""
    odd = (
        CheckResult(topic=message, status=CheckStatus.WARNING, message=message, hint=message, code="KT501"),
    )
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", render_doctor_report(odd)
    )
    parse_valid("doctor", render_doctor_report(odd, "json"))
