"""Diagnostics of the state store."""

from keyturn.model import diagnostic
from keyturn.model.diagnostic import Severity


def test_errors_are_raised_and_warnings_returned():
    """Both have code, location and hint."""
    (stop,) = diagnostic.storage_error("KT604", "s3://b/p", "what", "next").diagnostics
    warning = diagnostic.storage_warning("KT623", "s3://b/p", "what", "next")
    assert (stop.severity, warning.severity) == (Severity.ERROR, Severity.WARNING)
    assert str(stop.origin) == str(warning.origin) == "s3://b/p"
    assert (stop.code, stop.message, stop.hint) == ("KT604", "what", "next")
