"""Findings: their order, and the exception that carries them."""

from itertools import permutations

import pytest

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity


def finding(severity, file="a.yaml", line=1, code="KT101", message="no"):
    """Return a finding."""
    return Diagnostic(code=code, severity=severity, message=message, origin=SourceLocation(file, line))


ORDERED = [
    finding(Severity.ERROR, "a.yaml", 2, "KT102"),
    finding(Severity.ERROR, "a.yaml", 10),
    finding(Severity.ERROR, "b.yaml", 1, "KT101", "a"),
    finding(Severity.ERROR, "b.yaml", 1, "KT101", "b"),
    finding(Severity.WARNING, "a.yaml", 1),
    finding(Severity.NOTE, "a.yaml", 1),
]


def test_worst_first_then_by_place():
    """Findings are ranked by weight, then by file, line, code and message."""
    for order in list(permutations(ORDERED))[::37]:
        assert sorted(order, key=lambda each: each.sort_key) == ORDERED


def test_faults_come_sorted():
    """All that is wrong is carried at once, in the order in which it is shown."""
    assert DiagnosticError(*reversed(ORDERED)).diagnostics == tuple(ORDERED)


def test_faults_count_only():
    """The text of the exception says how many there are and quotes none of them."""
    with pytest.raises(DiagnosticError, match=r"^2 diagnostics$") as raised:
        raise DiagnosticError(ORDERED[0], ORDERED[1])
    assert raised.value.args == ("2 diagnostics",)


def test_severities_are_ordered():
    """An error outweighs a warning, a warning a note."""
    assert min(Severity) is Severity.ERROR
    assert max(Severity) is Severity.NOTE
