"""Findings in one line."""

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Severity, error_diagnostic, warning_diagnostic


def test_a_fault_is_an_error_and_a_doubt_a_warning():
    """Both keep their code, place, message and hint."""
    for make, severity in ((error_diagnostic, Severity.ERROR), (warning_diagnostic, Severity.WARNING)):
        finding = make("KT999", SourceLocation("m.yaml", 1, 2), "what", "next")
        assert (finding.code, finding.severity, finding.message, finding.hint) == (
            "KT999",
            severity,
            "what",
            "next",
        )
        assert str(finding.origin) == "m.yaml:1:2"
