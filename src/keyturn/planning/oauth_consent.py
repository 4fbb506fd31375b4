"""Consent of OAuth credentials: the API has no call for it, so a person must give it in the UI."""

from collections.abc import Iterable, Iterator

from keyturn.model.address import SourceLocation
from keyturn.model.change import Change
from keyturn.model.diagnostic import Cause, Diagnostic, Severity


def find_needed_consents(changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """Yield a note for each change after which a person must authorize an OAuth credential."""
    for change in changes:
        if change.is_consent_needed:
            yield Diagnostic(
                code="KT465",
                severity=Severity.NOTE,
                message=f"a person must authorize {change.address} before it works",
                origin=change.desired.origin if change.desired else SourceLocation("manifests"),
                hint="after the apply, open a connection that uses it in Planasonix, and click Authorize",
                address=change.address,
                cause=Cause.CONSENT_NEEDED,
            )
