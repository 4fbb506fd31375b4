"""Check results of doctor."""

import pytest

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.results import (
    CheckStatus,
    checks_from_diagnostics,
    has_failed_check,
    passed_check,
    skipped_check,
)


@pytest.mark.parametrize(
    ("severity", "state"),
    [
        (Severity.ERROR, CheckStatus.FAILED),
        (Severity.WARNING, CheckStatus.WARNING),
        (Severity.NOTE, CheckStatus.NOTE),
    ],
)
def test_a_diagnostic_becomes_a_check(severity, state):
    """The check has the code, the hint and the location."""
    finding = Diagnostic(
        code="KT010", severity=severity, message="m", origin=SourceLocation("f", 3), hint="h"
    )
    (check,) = checks_from_diagnostics("sops", [finding])
    assert (check.topic, check.status, check.message, check.hint, check.code) == (
        "sops", state, "f:3: m", "h", "KT010",
    )  # fmt: skip
    assert has_failed_check([check]) is (state is CheckStatus.FAILED)


def test_passed_and_skipped_checks_do_not_fail():
    """Only failed checks count as failures."""
    assert not has_failed_check([passed_check("a", "b"), skipped_check("c", "d")])
