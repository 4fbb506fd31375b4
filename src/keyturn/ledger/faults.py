"""Findings about the ledger, its lock and its journal, as the rest of the package raises them."""

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity


def finding(code: str, where: str, message: str, hint: str) -> Diagnostic:
    """Return a warning about the place ``where`` (a store's address and a key)."""
    return Diagnostic(code=code, severity=Severity.WARNING, message=message, origin=Origin(where), hint=hint)


def fault(code: str, where: str, message: str, hint: str) -> Faulty:
    """Return the exception that stops work over the place ``where``."""
    return Faulty(
        Diagnostic(code=code, severity=Severity.ERROR, message=message, origin=Origin(where), hint=hint)
    )
