"""Findings about the ledger, its lock and its journal, as the rest of the package raises them."""

from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import Diagnostic, DiagnosticError, Severity


def storage_warning(code: str, where: str, message: str, hint: str) -> Diagnostic:
    """Return a warning about the place ``where`` (a store's address and a key)."""
    return Diagnostic(code=code, severity=Severity.WARNING, message=message, origin=SourceLocation(where), hint=hint)


def storage_error(code: str, where: str, message: str, hint: str) -> DiagnosticError:
    """Return the exception that stops work over the place ``where``."""
    return DiagnosticError(
        Diagnostic(code=code, severity=Severity.ERROR, message=message, origin=SourceLocation(where), hint=hint)
    )
