"""Constructors of errors and warnings."""

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Severity, error_diagnostic, warning_diagnostic


def test_constructors_set_the_severity():
    """Code, location, message and hint are kept."""
    for make, severity in ((error_diagnostic, Severity.ERROR), (warning_diagnostic, Severity.WARNING)):
        finding = make("KT999", SourceLocation("m.yaml", 1, 2), "what", "next")
        assert (finding.code, finding.severity, finding.message, finding.hint) == (
            "KT999",
            severity,
            "what",
            "next",
        )
        assert str(finding.origin) == "m.yaml:1:2"
