"""Diagnostics: their order, and the exception that carries them."""

from itertools import permutations

import pytest

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity


def make_diagnostic(severity, file="a.yaml", line=1, code="KT101", message="no"):
    """Return a diagnostic."""
    return Diagnostic(code=code, severity=severity, message=message, origin=SourceLocation(file, line))


ORDERED = [
    make_diagnostic(Severity.ERROR, "a.yaml", 2, "KT102"),
    make_diagnostic(Severity.ERROR, "a.yaml", 10),
    make_diagnostic(Severity.ERROR, "b.yaml", 1, "KT101", "a"),
    make_diagnostic(Severity.ERROR, "b.yaml", 1, "KT101", "b"),
    make_diagnostic(Severity.WARNING, "a.yaml", 1),
    make_diagnostic(Severity.NOTE, "a.yaml", 1),
]


def test_order_of_diagnostics():
    """Diagnostics sort by severity, then by file, line, code and message."""
    for order in list(permutations(ORDERED))[::37]:
        assert sorted(order, key=lambda each: each.sort_key) == ORDERED


def test_error_carries_all_diagnostics_sorted():
    """All problems are reported at once, in display order."""
    assert DiagnosticError(*reversed(ORDERED)).diagnostics == tuple(ORDERED)


def test_text_of_the_error_is_a_count():
    """The text of the exception quotes no message."""
    with pytest.raises(DiagnosticError, match=r"^2 diagnostics$") as raised:
        raise DiagnosticError(ORDERED[0], ORDERED[1])
    assert raised.value.args == ("2 diagnostics",)


def test_severities_are_ordered():
    """An error is more severe than a warning, a warning more than a note."""
    assert min(Severity) is Severity.ERROR
    assert max(Severity) is Severity.NOTE
