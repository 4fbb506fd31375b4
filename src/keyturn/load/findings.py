"""Findings in one line: what is wrong, where, and what to do next."""

from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import Cause, Diagnostic, Severity


def error_diagnostic(code: str, origin: SourceLocation, message: str, hint: str, *, cause: Cause = Cause.OTHER) -> Diagnostic:
    """Return an error as a value."""
    return Diagnostic(
        code=code, severity=Severity.ERROR, message=message, origin=origin, hint=hint, cause=cause
    )


def warning_diagnostic(code: str, origin: SourceLocation, message: str, hint: str, *, cause: Cause = Cause.OTHER) -> Diagnostic:
    """Return a warning as a value."""
    return Diagnostic(
        code=code, severity=Severity.WARNING, message=message, origin=origin, hint=hint, cause=cause
    )
